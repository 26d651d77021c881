"""What a planted bug is: lines of the correct gather, what stands there instead, and how it must be caught."""

from dataclasses import dataclass
from pathlib import Path

BASE = Path(__file__).parent.with_name("gather.py")


@dataclass(frozen=True, kw_only=True)
class Bug:
    """A bug: what to replace in the correct gather, and how it must be caught."""

    name: str
    edits: dict[str, str]
    """Text of the correct gather, each occurring once, and what stands there instead."""
    rules: tuple[int, ...]
    """Rules of which at least one finding must cite one."""
    cases: tuple[str, ...]
    """Cases that must each show the bug."""
    says: str = ""
    """Words that a finding's message must hold."""
    needs_gpu: bool = False
    """It is one of a GPU's streams, which the interpreter does not have."""


def planted_source(bug: Bug) -> str:
    """Return the source of the gather with a bug planted.

    Raises:
        ValueError: a text to replace does not stand in the gather exactly once.
    """
    source = BASE.read_text(encoding="utf-8")
    for old, new in bug.edits.items():
        if source.count(old) != 1:
            raise ValueError(f"{bug.name}: {old!r} stands {source.count(old)} times in {BASE.name}, should be once")
        source = source.replace(old, new)
    return source


LAST_LINES = "    return k, s\n\n\ndef get_k_and_s"
LAUNCH = "        _planted_kernel[grid](\n            buf,"
