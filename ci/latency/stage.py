"""What a measuring process of the latency gate told."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field

from ci.latency.child import CROSS_CHECKING, Order
from ci.processes import Message, OnStep, Process
from tests.latency.samples import Cell, CellSamples

MODULE = "ci.latency.child"
STARTING = "starting"


@dataclass
class Measured:
    """What a process told."""

    machine: dict[str, str] = field(default_factory=dict)
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


def run(
    order: Order,
    on_step: OnStep,
    on_measured: Callable[[Measured], None] = lambda measured: None,
    ready: Process | None = None,
) -> Measured:
    """Measure in a process of its own, and return what it told.

    Args:
        order: what is to be measured.
        on_measured: see `listen`.
        ready: a process that waits for an order; a new one unless given.

    Raises:
        CannotRun: with why.
    """
    with ready or Process(MODULE, "latency.log") as process:
        return listen(process.messages(asdict(order)), on_step, on_measured)


def listen(
    messages: Iterable[Message],
    on_step: OnStep,
    on_measured: Callable[[Measured], None] = lambda measured: None,
    clock: Callable[[], float] = time.monotonic,
) -> Measured:
    """Return what a process tells, message by message.

    Args:
        messages: as they come.
        on_step: see there.
        on_measured: gets what was told so far, when all samples have come and the clock is cross-checked.
        clock: tells seconds; for tests.
    """
    measured = Measured()
    phase, since = STARTING, clock()

    def enter(next_phase: str) -> None:
        nonlocal phase, since
        now = clock()
        measured.seconds[phase] = measured.seconds.get(phase, 0.0) + now - since
        phase, since = next_phase, now

    for message in messages:
        if "phase" in message:
            enter(message["phase"])
            if phase == CROSS_CHECKING:
                on_measured(measured)
            on_step(message["step"], message["done"], message["of"])
        else:
            _keep(message, measured)
    enter(phase)
    return measured


def _keep(message: Message, measured: Measured) -> None:
    if "machine" in message:
        measured.machine, measured.unchecked = message["machine"], message["unchecked"]
        measured.twin = message["twin"]
    elif "samples" in message:
        samples = CellSamples.from_json(message["samples"])
        measured.samples[samples.cell] = samples
    elif "identical" in message:
        measured.identical.append(Cell(**message["identical"]))
    elif "differs" in message:
        measured.differs[Cell(**message["differs"])] = message["how"]
    elif "untrusted" in message:
        cell = Cell(**message["untrusted"])
        measured.untrusted[cell] = message["why"]
        measured.samples.pop(cell, None)
