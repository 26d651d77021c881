"""Verdicts as a table, and the last line of a run. Formatting only."""

from collections.abc import Sequence

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from tests.latency.cell_verdict import CellVerdict, Kind, RunOutcome, Stage, percent

STYLES = {Kind.SLOWER: "bold red", Kind.INCONCLUSIVE: "yellow", Kind.FASTER: "green", Kind.SAME: ""}
_NONE = Text("-", style="dim")


def of_verdicts(verdicts: Sequence[CellVerdict]) -> Group:
    """Return a row a cell, and under it why each cell that is not SAME is what it is.

    Cells keep their order. Those that are SAME by identity are counted in one row.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("workload", "function", "base us", "head us", "ratio", "99 % interval", "draws", "verdict"):
        table.add_column(heading, justify="left" if heading in ("workload", "function", "verdict") else "right")
    identical = [verdict for verdict in verdicts if verdict.stage is Stage.IDENTITY]
    measured = [verdict for verdict in verdicts if verdict.stage is not Stage.IDENTITY]
    for verdict in measured:
        table.add_row(*_row(verdict))
    if identical:
        table.add_section()
        what = f"{len(identical)} {_cells(len(identical))}"
        table.add_row(Text(what), *(_NONE for _ in range(6)), Text("SAME, machine code and launch are identical"))
    return Group(table, *(_reason(verdict) for verdict in measured if verdict.kind is not Kind.SAME))


def _row(verdict: CellVerdict) -> list[Text]:
    interval = verdict.interval
    return [
        Text(verdict.cell.workload),
        Text(verdict.cell.column),
        _microseconds(verdict.base_microseconds),
        _microseconds(verdict.head_microseconds),
        _NONE if verdict.ratio is None else Text(f"{verdict.ratio:.3f}"),
        _NONE if interval is None else Text(f"{interval[0]:.3f} to {interval[1]:.3f}"),
        Text(str(verdict.draws)) if verdict.draws else _NONE,
        Text(verdict.kind.value, style=STYLES[verdict.kind]),
    ]


def _microseconds(value: float | None) -> Text:
    return _NONE if value is None else Text(f"{value:.2f}")


def _reason(verdict: CellVerdict) -> Text:
    return Text.assemble(
        (verdict.kind.value, STYLES[verdict.kind]), " ", (verdict.cell.id, "bold"), f": {verdict.reason}"
    )


def last_line(outcome: RunOutcome) -> Text:
    """Return the verdict on a run in one short line."""
    counts = outcome.counts
    total = sum(counts.values())
    if total == 0:
        return Text("latency: could not decide, nothing was measured", style="yellow")
    if outcome.exit_code == 1 and outcome.worst is not None:
        worst = outcome.worst
        by = percent(worst.ratio - 1) if worst.ratio is not None else "unknown"
        return Text(
            f"latency: SLOWER in {counts[Kind.SLOWER]} of {total} {_cells(total)}, most in {worst.cell.id}: {by}",
            style=STYLES[Kind.SLOWER],
        )
    if outcome.exit_code == 2:
        first = f", first {outcome.worst.cell.id}" if outcome.worst is not None else ""
        undecided = counts[Kind.INCONCLUSIVE]
        return Text(f"latency: could not decide on {undecided} of {total} {_cells(total)}{first}", style="yellow")
    faster = f", {counts[Kind.FASTER]} faster" if counts[Kind.FASTER] else ""
    return Text(f"latency: none of {total} {_cells(total)} is slower{faster}", style="green")


def _cells(count: int) -> str:
    return "cell" if count == 1 else "cells"
