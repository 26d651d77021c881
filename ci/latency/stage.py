"""What measuring processes of the latency gate told, and from that to verdicts; the rules are in `decision.py`."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from ci.latency.child import CROSS_CHECKING, Order
from ci.processes import Message, OnStep, Process
from tests.latency.cell_verdict import CellVerdict, Kind, MoreDraws, NeedsConfirmation, Step
from tests.latency.decision import confirm, next_step, same_by_identity, unmeasured
from tests.latency.samples import Cell, CellSamples

MODULE = "ci.latency.child"
STARTING = "starting"


@dataclass
class Measured:
    """What a process told."""

    machine: dict[str, str] = field(default_factory=dict)
    twin: str = ""
    """Name of the frozen twin."""
    gpu: str | None = None
    """UUID of the GPU that was taken."""
    gpu_name: str = ""
    """Its number and model."""
    left_out: list[str] = field(default_factory=list)
    """Why other GPUs were not taken, in words."""
    condition: dict[str, int] = field(default_factory=dict)
    """Clocks, temperature and power of the GPU when measuring began."""
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
) -> Measured:
    """Return what a process tells, message by message.

    Args:
        messages: as they come.
        on_step: see there.
        on_measured: gets what was told so far, when all samples have come and the clock is cross-checked.
    """
    measured = Measured()
    phase, since = STARTING, time.monotonic()

    def enter(next_phase: str) -> None:
        nonlocal phase, since
        now = time.monotonic()
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
        measured.twin, measured.condition = message["twin"], message["condition"]
    elif "gpu" in message:
        measured.gpu, measured.gpu_name = message["gpu"], message["name"]
        measured.left_out = list(message["left_out"])
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


CONFIRMATION_DRAWS = {True: 24, False: 16}
"""Draws of each flagged cell in the second process, by whether few are flagged."""
FEW = 4

MeasureAgain = Callable[[Sequence[Cell], int], Measured]
"""Measures cells in a new process, so many draws each."""


def judge(first: Measured, measure_again: MeasureAgain) -> tuple[list[CellVerdict], dict[Cell, CellSamples]]:
    """Return what is said about every cell, and the draws that rests on; those that are flagged are measured again.

    Args:
        first: what the first process told.
        measure_again: runs the second process, if one is needed.
    """
    steps = _steps(first)
    flagged = [step for step in steps if isinstance(step, NeedsConfirmation)]
    fresh: dict[Cell, CellSamples] = {}
    if flagged:
        fresh = measure_again([flag.cell for flag in flagged], CONFIRMATION_DRAWS[len(flagged) <= FEW]).samples
    confirmed = confirm(flagged, fresh)
    verdicts = [same_by_identity(cell) for cell in first.identical]
    verdicts += [unmeasured(cell, why) for cell, why in first.untrusted.items()]
    for samples, step in zip(first.samples.values(), steps, strict=True):
        if isinstance(step, NeedsConfirmation):
            step = confirmed[step.cell]
        elif isinstance(step, MoreDraws):
            step = unmeasured(samples.cell, f"{len(samples.draws)} of {step.draws} draws were made")
        verdicts.append(_with_cause(step, first.differs))
    return verdicts, {**first.samples, **fresh}


def has_flags(first: Measured) -> bool:
    """Whether a second process is needed, as far as the first has told."""
    return any(isinstance(step, NeedsConfirmation) for step in _steps(first))


def _steps(first: Measured) -> list[Step]:
    family = max(1, len(first.samples))
    return [next_step(samples, family) for samples in first.samples.values()]


def _with_cause(verdict: CellVerdict, differs: Mapping[Cell, str]) -> CellVerdict:
    """Add to a change what to look at."""
    how = differs.get(replace(verdict.cell, metric="device"))
    if verdict.kind not in (Kind.SLOWER, Kind.FASTER) or how is None:
        return verdict
    return replace(verdict, reason=f"{verdict.reason}. Look at {how}")
