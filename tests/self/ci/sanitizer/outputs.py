"""Output of compute-sanitizer and of the process under it: recorded on a GPU, or made up line by line."""

import json
from pathlib import Path

from ci.processes import Message, understood

MARK = "@@ "
"""Begins messages in texts."""
RECORDED = Path(__file__).parent / "recorded"
CASE = "batches/8"
"""The case that was examined. Its tensors' sizes are multiples of 16."""


def recorded(name: str) -> str:
    """Return what a tool and the process under it printed on an H100."""
    return (RECORDED / f"{name}.txt").read_text(encoding="utf-8")


def heard(text: str) -> list[Message | str]:
    """Return what a job hears of a text."""
    return [understood(line, MARK) for line in text.splitlines()]


def transcript_of(*lines: str, by: str = "own") -> str:
    """Return the output of a child that examined one case, with the tool's lines in its first call."""
    marks = [
        {"case": CASE, "implementation": by},
        {"tensor": "buf", "address": 4096, "size": 8},
        {"function": "get_k", "step": "first call"},
    ]
    return "\n".join([*(MARK + json.dumps(m) for m in marks), *(f"========= {line}" for line in lines)])


def access(headline: str, place: str, kernel: str = "kernel") -> tuple[str, ...]:
    """Return the lines of a record about one access."""
    return (headline, f"    at {kernel}+0x10 in gather.py:7", "    by thread (1,0,0) in block (2,3,0)", f"    {place}")
