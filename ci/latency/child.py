"""The process that measures: `python -m ci.latency.child` takes an order, and tells what it measured.

Each stage of a run has a process of its own, so that its memory, modules and clocks are fresh. It imports what takes
long before it reads its order, so it can be started ahead of time.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ci.processes import serve, tell
from tests.latency.samples import Cell, CellSamples

CROSS_CHECKING = "cross-checking the clock"
"""The last phase: no sample comes after it."""


@dataclass(frozen=True)
class Order:
    """What a process is to measure."""

    implementation: str
    """The head, as on the command line."""
    seed: int
    base: str | None = None
    """A folder that holds the base's `kernels/`; None measures the head against itself."""
    cells: Sequence[Cell] | None = None
    """None stands for all."""
    draws: int | None = None
    """How many of each cell; None leaves it to the decision, cell by cell."""
    check_identity: bool = False
    """Whether cells whose machine code and launch are identical are left out."""
    same_code: bool = False
    """Whether Python runs the same on both sides, so that the host's time cannot differ; left out with the others."""
    gpu: str | None = None
    """UUID of the GPU that is measured on; None takes the first that is idle and well."""
    check_clock: bool = False
    """Whether CUPTI's records are to confirm the clock."""


def enter(phase: str, step: str = "", done: int = 0, of: int = 0) -> None:
    """Tell what is begun: one of few phases, whose seconds are reported, and for who watches the step within it."""
    tell(phase=phase, step=step or phase, done=done, of=of)


def measure(asked: dict[str, Any]) -> None:
    """Measure what an order, as a JSON object, asks for, and tell it."""
    from ci.latency.base import load_folder
    from tests.calls.implementations import load_implementation
    from tests.cases.latency_workloads import GATED, MAIN
    from tests.latency.condition import condition
    from tests.latency.gpu_taken import take_gpu
    from tests.latency.machine import this_machine
    from tests.latency.samples import cells_of

    order = Order(**asked)
    gpu = take_gpu(order.gpu)
    unchecked = list(gpu.unchecked)
    from tests.instruments.device_clock.kept_lines import unreleased
    from tests.instruments.device_clock.twin import NAME
    from tests.latency.measure import Measurer

    unchecked += unreleased()
    head = load_implementation(order.implementation).functions
    base = load_folder(Path(order.base), "base").functions if order.base else head
    both = [name for name in head if name in base]
    cells = cells_of([case.name for case in GATED], MAIN, both)
    if asked["cells"] is not None:
        cells = [Cell(**cell) for cell in asked["cells"]]
    tell(machine=this_machine().as_json(), unchecked=unchecked, twin=NAME, condition=condition())
    tell(gpu=gpu.uuid, name=gpu.name, left_out=gpu.left_out)
    measurer = Measurer(base, head, order.seed)
    measured = _not_identical(measurer, base, head, cells, order.same_code) if order.check_identity else cells
    for number, cell in enumerate(measured):
        enter("measuring", f"measuring {cell.id}", number, len(measured))
        tell(samples=asdict(_samples(measurer, cell, order.draws, len(measured))))
    if order.check_clock:
        # At the end: CUPTI stays with a process that used it, and is to be no part of what is measured.
        enter(CROSS_CHECKING)
        for cell, why in measurer.untrusted(measured).items():
            tell(untrusted=asdict(cell), why=why)


def _not_identical(measurer: Any, base: Any, head: Any, cells: list[Cell], same_code: bool) -> list[Cell]:
    enter("compiling and comparing")
    rest = []
    for cell in cells:
        how = _difference(measurer, base, head, cell, same_code)
        if how is None:
            tell(identical=asdict(cell))
        else:
            tell(differs=asdict(cell), how=how)
            rest.append(cell)
    return rest


def _difference(measurer: Any, base: Any, head: Any, cell: Cell, same_code: bool) -> str | None:
    """Return how what runs differs between the sides, or None if it does not."""
    from tests.instruments.launches.observed import CannotObserve, identify

    if cell.metric == "host":
        return None if same_code else "what Python runs"
    try:
        identity = identify(base[cell.function], head[cell.function], measurer.arguments(cell))
    except CannotObserve as error:
        return f"not compared: {error}"
    return None if identity.is_identical else str(identity)


def _samples(measurer: Any, cell: Cell, draws: int | None, family: int) -> CellSamples:
    from tests.latency.cell_verdict import MoreDraws
    from tests.latency.decision import next_step

    samples = CellSamples(cell)
    while draws is not None and len(samples.draws) < draws:
        samples = measurer.drawn(samples)
    while draws is None and isinstance(step := next_step(samples, family), MoreDraws):
        while len(samples.draws) < step.draws:
            samples = measurer.drawn(samples)
    return samples


if __name__ == "__main__":
    import tests.latency.measure  # noqa: F401 torch and Triton with it

    serve(measure)
