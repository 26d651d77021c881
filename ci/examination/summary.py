"""What the user reads at the end: the table of families, what was not run, the broken rules, the verdict."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ci.examination.entries import counted, entries, rules_told
from ci.examination.verdict import CUT_SHORT, Decision, FamilyCount, RunVerdict
from tests.examine.finding import Finding
from tests.examine.selection import Selection

UNDECIDED_NAMED = 10


def show(console: Console, verdict: RunVerdict) -> None:
    """Print all but the last line of a run's summary."""
    if verdict.families:
        console.print()
        console.print(family_table(verdict))
    _section(console, "to be known", verdict.notes)
    _section(console, "not run", [f"{number:5}  {reason}" for reason, number in verdict.not_run.most_common()])
    _section(console, "could not decide", undecided_lines(verdict), style="yellow")
    _section(console, "broken rules", rule_lines(verdict.findings), style="red")
    console.print()


def family_table(verdict: RunVerdict) -> Table:
    """Return how the cases of each family came out, with a last row for all of them."""
    rows = [*verdict.families, verdict.total]
    any_undecided = any(row.undecided for row in rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=False)
    table.add_column("family")
    for heading in (
        "examined",
        "clean",
        "refused",
        "with findings",
        *(["undecided"] if any_undecided else []),
        "not run",
    ):
        table.add_column(heading, justify="right")
    table.add_column("rules broken")
    for row in rows:
        if row is rows[-1]:
            table.add_section()
        table.add_row(*_cells(row, any_undecided), style="bold" if row is rows[-1] else None)
    return table


def _cells(row: FamilyCount, any_undecided: bool) -> list[Text]:
    broken = ", ".join(str(rule) for rule in row.rules_broken)
    return [
        Text(row.family),
        _number(row.examined),
        _number(row.clean, "green"),
        _number(row.refused),
        _number(row.with_findings, "red"),
        *([_number(row.undecided, "yellow")] if any_undecided else []),
        _number(row.not_run),
        Text(broken, style="red"),
    ]


def _number(value: int, style: str = "") -> Text:
    return Text(str(value), style=style) if value else Text("-", style="dim")


def rule_lines(findings: Sequence[Finding]) -> list[str]:
    """Return a line for each broken rule, and one for each of its faults: by which functions, in which cases."""
    lines: list[str] = []
    for entry in entries(findings):
        head = f"rule {entry.rule}: {entry.rule.text}"
        lines += [] if head in lines else [head]
        lines.append(f"    {entry.label} ({', '.join(entry.functions)}) in {entry.place}")
    return lines


def undecided_lines(verdict: RunVerdict) -> list[str]:
    """Return a line for each thing that was not decided, and one that counts the rest of many.

    There are none where the last line says it all.
    """
    if verdict.decision is Decision.UNDECIDED and len(verdict.undecided) == 1:
        return []
    lines = [str(item) for item in verdict.undecided]
    more = len(lines) - UNDECIDED_NAMED
    return lines if more <= 0 else [*lines[:UNDECIDED_NAMED], f"and {more} more"]


def last_line(verdict: RunVerdict, selection: Selection, seconds: float) -> Text:
    """Return the verdict in one line."""
    word, style, told = {
        Decision.CLEAN: ("CLEAN", "bold green", _clean),
        Decision.FINDINGS: ("FINDINGS", "bold red", _findings),
        Decision.UNDECIDED: ("UNDECIDED", "bold yellow", _undecided),
    }[verdict.decision]
    return Text.assemble((word, style), f": {told(verdict, selection)} ({seconds:.0f} s)")


def _clean(verdict: RunVerdict, selection: Selection) -> str:
    total, contract = verdict.total, selection.contract
    told = f"{selection.implementation} keeps the {contract.label} contract on {counted(total.examined, 'case')}"
    if total.refused:
        whole = [family.family for family in verdict.families if family.is_refused_whole]
        told += f", {total.refused} refused" + (f" (all of {', '.join(whole)})" if whole else "")
    if total.not_run:
        told += f", {total.not_run} not run"
    if contract.not_held:
        were = "was" if len(contract.not_held) == 1 else "were"
        told += f"; {rules_told(contract.not_held)} {were} not held against it"
    return told


def _findings(verdict: RunVerdict, selection: Selection) -> str:
    total = verdict.total
    cases = f"{total.with_findings} of {counted(total.examined, 'case')}"
    found = f"{counted(len(verdict.findings), 'finding')} in {cases}"
    breaks = f"{selection.implementation} breaks {rules_told(total.rules_broken)}"
    return f"{breaks} of the {selection.contract.label} contract: {found}"


def _undecided(verdict: RunVerdict, selection: Selection) -> str:
    if verdict.cut_short:
        return _cut_short(verdict, verdict.cut_short)
    first = str(verdict.undecided[0])
    more = len(verdict.undecided) - 1
    return f"{first} (and {more} more)" if more else first


def _cut_short(verdict: RunVerdict, why: str) -> str:
    total = verdict.total
    done = total.examined + total.undecided
    cases = done + verdict.not_run[CUT_SHORT]
    found = f"findings so far: {len(verdict.findings)}" if verdict.findings else "no findings so far"
    rules = f" ({rules_told(total.rules_broken)})" if verdict.findings else ""
    return f"{why} after {done} of {counted(cases, 'case')}; {found}{rules}"


def _section(console: Console, title: str, lines: Sequence[str], style: str = "") -> None:
    if not lines:
        return
    console.print(Text(title, style=f"bold {style}".strip()))
    for line in lines:
        console.print(Text(f"  {line}"), soft_wrap=True)
