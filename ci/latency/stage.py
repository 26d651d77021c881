"""One measuring process as its parent sees it: started, listened to, and what it told."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ci.latency.child import MARK, Order
from ci.latency.samples import Cell, CellSamples

ROOT = Path(__file__).resolve().parents[2]


class CannotMeasure(Exception):
    """The process could not measure; the text is a sentence for the user."""


@dataclass
class Measured:
    """What a process told."""

    machine: dict[str, str] = field(default_factory=dict)
    gpu: dict[str, Any] | None = None
    """Clocks and temperature at the start, where they can be had."""
    twin: str = ""
    """Name of the frozen twin."""
    unchecked: list[str] = field(default_factory=list)
    """What could not be checked of the machine, in words."""
    samples: dict[Cell, CellSamples] = field(default_factory=dict)
    identical: list[Cell] = field(default_factory=list)
    differs: dict[Cell, str] = field(default_factory=dict)
    """How machine code or launch differ between the sides."""
    untrusted: dict[Cell, str] = field(default_factory=dict)
    """Why a cell's clock is not trusted."""
    has_ended: bool = False


def run(order: Order, on_progress: Callable[[str], None]) -> Measured:
    """Measure in a process of its own, and return what it told.

    Args:
        order: what is to be measured.
        on_progress: gets a few words each time something new is begun.

    Raises:
        CannotMeasure: with why.
    """
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "ci.latency.child", json.dumps(asdict(order))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        measured = listen(process.stdout, on_progress)
        errors = process.stderr.read()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    if not measured.has_ended:
        last = errors.strip().splitlines()[-1:] or ["nothing on stderr"]
        raise CannotMeasure(f"the measuring process ended with status {process.returncode}: {last[0]}")
    return measured


def listen(lines: Iterable[str], on_progress: Callable[[str], None]) -> Measured:
    """Return what a process tells, line by line.

    Raises:
        CannotMeasure: the process says that it cannot.
    """
    measured = Measured()
    for line in lines:
        if not line.startswith(MARK):
            continue
        told = json.loads(line.removeprefix(MARK))
        if "error" in told:
            is_plain = told["kind"] in ("GpuAbsent", "GpuBusy", "NoBase", "NoImplementation")
            raise CannotMeasure(told["error"].partition(": ")[2] if is_plain else told["error"])
        if "progress" in told:
            on_progress(told["progress"])
        elif "machine" in told:
            measured.machine, measured.gpu = told["machine"], told["gpu"]
            measured.unchecked, measured.twin = told["unchecked"], told["twin"]
        elif "samples" in told:
            samples = CellSamples.from_json(told["samples"])
            measured.samples[samples.cell] = samples
        elif "identical" in told:
            measured.identical.append(Cell(**told["identical"]))
        elif "differs" in told:
            measured.differs[Cell(**told["differs"])] = told["how"]
        elif "untrusted" in told:
            measured.untrusted[Cell(**told["untrusted"])] = told["why"]
        elif "end" in told:
            measured.has_ended = True
    return measured
