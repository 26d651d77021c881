"""Verdicts as rows of a table, and the last line of a run. Formatting only."""

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from ci.reports.console import table_of
from ci.reports.decision import counted
from tests.latency.cell_verdict import CellVerdict, Kind, RunOutcome, Stage, percent

STYLES = {Kind.SLOWER: "bold red", Kind.INCONCLUSIVE: "yellow", Kind.FASTER: "green", Kind.SAME: ""}
WORDS = ("workload", "function", "verdict")
NUMBERS = ("base us", "head us", "ratio", "99 % interval", "draws")


def numbers_of(verdict: CellVerdict) -> list[str]:
    """Return the `NUMBERS` of a cell; `-` is none."""
    interval = verdict.interval
    return [
        *("-" if us is None else f"{us:.2f}" for us in (verdict.base_microseconds, verdict.head_microseconds)),
        "-" if verdict.ratio is None else f"{verdict.ratio:.3f}",
        "-" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}",
        str(verdict.draws or "-"),
    ]


def of_verdicts(verdicts: Sequence[CellVerdict]) -> Group:
    """Return a row a cell, and under it why each cell that is not SAME is what it is.

    Cells keep their order. Those that are SAME by identity are counted in one row.
    """
    table = table_of((*WORDS[:2], *NUMBERS, WORDS[2]), WORDS)
    measured = [verdict for verdict in verdicts if verdict.stage is not Stage.IDENTITY]
    for verdict in measured:
        numbers = (Text(number, style="dim" if number == "-" else "") for number in numbers_of(verdict))
        kind = Text(verdict.kind.value, style=STYLES[verdict.kind])
        table.add_row(Text(verdict.cell.workload), Text(verdict.cell.column), *numbers, kind)
    if identical := len(verdicts) - len(measured):
        table.add_section()
        nothing = (Text("-", style="dim") for _ in range(1 + len(NUMBERS)))
        table.add_row(counted(identical, "cell"), *nothing, "SAME, machine code and launch are identical")
    return Group(table, *(_reason(verdict) for verdict in measured if verdict.kind is not Kind.SAME))


def _reason(verdict: CellVerdict) -> Text:
    return Text.assemble(
        (verdict.kind.value, STYLES[verdict.kind]), " ", (verdict.cell.id, "bold"), f": {verdict.reason}"
    )


def last_line(outcome: RunOutcome) -> Text:
    """Return the verdict on a run in one short line."""
    counts, worst = outcome.counts, outcome.worst
    cells = counted(sum(counts.values()), "cell")
    if not any(counts.values()):
        return Text("latency: could not decide, nothing was measured", style="yellow")
    if outcome.exit_code == 1 and worst is not None:
        by = percent(worst.ratio - 1) if worst.ratio is not None else "unknown"
        told = f"latency: SLOWER in {counts[Kind.SLOWER]} of {cells}, most in {worst.cell.id}: {by}"
        return Text(told, style=STYLES[Kind.SLOWER])
    if outcome.exit_code == 2:
        first = f", first {worst.cell.id}" if worst is not None else ""
        return Text(f"latency: could not decide on {counts[Kind.INCONCLUSIVE]} of {cells}{first}", style="yellow")
    faster = f", {counts[Kind.FASTER]} faster" if counts[Kind.FASTER] else ""
    return Text(f"latency: none of {cells} is slower{faster}", style="green")
