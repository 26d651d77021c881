"""What a measuring process of the latency gate told."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from ci.latency.child import CROSS_CHECKING, MARK, Order
from ci.measuring_process import FORESEEN, CannotMeasure, MeasuringProcess
from tests.latency.samples import Cell, CellSamples

MODULE = "ci.latency.child"
STARTING = "starting"


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
    """Why a cell's clock is not trusted; its samples are left out."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each phase took, as the parent saw it."""
    has_ended: bool = False


class Spare:
    """A process that is started before it is sure to be needed, and ended if it was not. A context manager."""

    def __init__(self) -> None:
        self.process: MeasuringProcess | None = None

    def __enter__(self) -> "Spare":
        return self

    def __exit__(self, *error: object) -> None:
        if self.process is not None:
            self.process.close()

    def start(self) -> None:
        """Start it, beside one that measures."""
        self.process = MeasuringProcess(MODULE, "spare.log")


def run(
    order: Order,
    on_progress: Callable[[str], None],
    on_measured: Callable[[Measured], None] = lambda measured: None,
    ready: MeasuringProcess | None = None,
) -> Measured:
    """Measure in a process of its own, and return what it told.

    Args:
        order: what is to be measured.
        on_progress: gets a few words each time something new is begun.
        on_measured: see `listen`.
        ready: a process that waits for an order; a new one unless given.

    Raises:
        CannotMeasure: with why.
    """
    process = ready or MeasuringProcess(MODULE, "latency.log")
    return process.run(json.dumps(asdict(order)), lambda lines: listen(lines, on_progress, on_measured))


def listen(
    lines: Iterable[str],
    on_progress: Callable[[str], None],
    on_measured: Callable[[Measured], None] = lambda measured: None,
    clock: Callable[[], float] = time.monotonic,
) -> Measured:
    """Return what a process tells, line by line.

    Args:
        lines: as they come.
        on_progress: gets a few words each time something new is begun.
        on_measured: gets what was told so far, when all samples have come and the clock is cross-checked.
        clock: tells seconds; for tests.

    Raises:
        CannotMeasure: the process says that it cannot.
    """
    measured = Measured()
    phase, since = STARTING, clock()
    for line in lines:
        if not line.startswith(MARK):
            continue
        told = json.loads(line.removeprefix(MARK))
        if "error" in told:
            is_plain = told["kind"] in FORESEEN
            raise CannotMeasure(told["error"].partition(": ")[2] if is_plain else told["error"])
        if "phase" in told or "end" in told:
            now = clock()
            measured.seconds[phase] = measured.seconds.get(phase, 0.0) + now - since
            phase, since = told.get("phase", phase), now
            if told.get("phase") == CROSS_CHECKING:
                on_measured(measured)
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
            cell = Cell(**told["untrusted"])
            measured.untrusted[cell] = told["why"]
            measured.samples.pop(cell, None)
        elif "end" in told:
            measured.has_ended = True
    return measured
