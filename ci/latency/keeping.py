"""What the latency gate keeps of a run, in the same storage as pytest-benchmark."""

from collections.abc import Mapping, Sequence

from ci.cost import baseline
from ci.cost.figures import COMPILED
from ci.latency.base import branch, checked_out
from ci.latency.stage import Measured
from tests.calls.errors import Foreseen
from tests.cases.latency_workloads import GATED
from tests.latency.cell_verdict import CellVerdict, Kind
from tests.latency.history import History
from tests.latency.machine import Machine
from tests.latency.samples import Cell, CellSamples
from tests.latency.stored_run import About, Run, Said, StoredCell, moved_bytes

CASES = {case.name: case for case in GATED}
COST_TARGET = "sm_90"
"""The target whose compiled figures are kept beside times; `gate cost` compiles for it on any machine."""


def run_of(
    measured: Measured,
    samples: Mapping[Cell, CellSamples],
    verdicts: Sequence[CellVerdict],
    implementation: str,
    base: str | None = None,
    seconds: float | None = None,
) -> Run:
    """Return what is kept of a run.

    Args:
        measured: what the first process told.
        samples: of each cell, those that its verdict rests on.
        verdicts: on cells; none where nothing was decided.
        implementation: as it was named.
        base: the revision that was measured beside.
        seconds: how long the run took.
    """
    said = {verdict.cell: verdict for verdict in verdicts}
    costs = costs_of(implementation)
    cells = {
        cell: StoredCell.of(
            each, moved_bytes(CASES[cell.workload], cell.function), _said(said.get(cell)), costs.get(cell.id)
        )
        for cell, each in samples.items()
        if cell.workload in CASES
    }
    about = About(
        implementation,
        measured.twin,
        commit=checked_out(),
        branch=branch(),
        base=base,
        verdict=_verdict(verdicts),
        certificate=History(Machine(**measured.machine)).certificate_name(),
        seconds=None if seconds is None else round(seconds, 1),
        condition=measured.condition,
    )
    return Run(about, cells)


def costs_of(implementation: str) -> dict[str, dict[str, int]]:
    """Return the accepted figures of the machine code that each cell runs, by the cell's id; few cells have some."""
    try:
        stored = baseline.read(implementation)
    except Foreseen:  # `gate cost` tells it
        stored = None
    if stored is None:
        return {}
    figures = stored[COMPILED].figures
    of_cells = {}
    for name, code in figures.items():
        workload, function, *rest = name.split(" / ")
        if rest == ["code"]:
            head = f"{code} / {COST_TARGET} / "
            found = {key.removeprefix(head): int(value) for key, value in figures.items() if key.startswith(head)}
            of_cells[f"{workload}/{function}"] = found
    return of_cells


def _said(verdict: CellVerdict | None) -> Said | None:
    return Said(verdict.kind.value, verdict.ratio, verdict.interval) if verdict else None


def _verdict(verdicts: Sequence[CellVerdict]) -> str | None:
    kinds = {verdict.kind for verdict in verdicts}
    if not kinds:
        return None
    return "findings" if Kind.SLOWER in kinds else "undecided" if Kind.INCONCLUSIVE in kinds else "clean"
