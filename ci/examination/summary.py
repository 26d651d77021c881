"""What the user reads at the end: the table of families, what was not run, the broken rules, the verdict."""

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ci.examination.display import count
from ci.examination.verdict import Decision, FamilyCount, Verdict
from tests.examine.finding import Finding
from tests.examine.selection import Selection

CASES_NAMED = 4
"""Cases that are named for each rule; the rest are counted."""
UNDECIDED_NAMED = 10


def show(console: Console, verdict: Verdict) -> None:
    """Print all but the last line of a run's summary."""
    if verdict.families:
        console.print()
        console.print(family_table(verdict))
    _section(console, "not run", [f"{number:5}  {reason}" for reason, number in verdict.not_run.most_common()])
    _section(console, "could not decide", undecided_lines(verdict), style="yellow")
    _section(console, "broken rules", rule_lines(verdict.findings), style="red")
    console.print()


def family_table(verdict: Verdict) -> Table:
    """Return how the cases of each family came out, with a last row for all of them."""
    rows = [*verdict.families, verdict.total]
    any_undecided = any(row.undecided for row in rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=False)
    table.add_column("family")
    for heading in (
        "examined",
        "clean",
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
        _number(row.with_findings, "red"),
        *([_number(row.undecided, "yellow")] if any_undecided else []),
        _number(row.not_run),
        Text(broken, style="red"),
    ]


def _number(value: int, style: str = "") -> Text:
    return Text(str(value), style=style) if value else Text("-", style="dim")


def rule_lines(findings: Sequence[Finding]) -> list[str]:
    """Return a line or two for each broken rule: how often, by which functions, on which cases."""
    lines = []
    for rule in sorted({finding.rule for finding in findings}):
        of_rule = [finding for finding in findings if finding.rule == rule]
        cases = list(dict.fromkeys(finding.case for finding in of_rule))
        functions = Counter(finding.function for finding in of_rule)
        lines.append(f"rule {rule}: {rule.text}")
        told = ", ".join(f"{function} {number}" for function, number in functions.most_common())
        lines.append(f"    {count(len(of_rule), 'finding')} ({told}) in {_some(cases, CASES_NAMED)}")
    return lines


def undecided_lines(verdict: Verdict) -> list[str]:
    """Return a line for each thing that was not decided, and one that counts the rest of many."""
    lines = [str(item) for item in verdict.undecided]
    more = len(lines) - UNDECIDED_NAMED
    return lines if more <= 0 else [*lines[:UNDECIDED_NAMED], f"and {more} more"]


def _some(names: Sequence[str], most: int) -> str:
    more = len(names) - most
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:most])} and {more} more"


def last_line(verdict: Verdict, selection: Selection, seconds: float) -> Text:
    """Return the verdict in one line."""
    total = verdict.total
    name, contract = selection.implementation, selection.contract.label
    took = f"{seconds:.0f} s"
    if verdict.decision is Decision.CLEAN:
        left_out = f", {total.not_run} not run" if total.not_run else ""
        told = f"{name} keeps the {contract} contract on {count(total.examined, 'case')}{left_out} ({took})"
        return Text.assemble(("CLEAN", "bold green"), f": {told}")
    if verdict.decision is Decision.FINDINGS:
        rules = ", ".join(str(rule) for rule in total.rules_broken)
        noun = "rule" if len(total.rules_broken) == 1 else "rules"
        cases = f"{total.with_findings} of {count(total.examined, 'case')}"
        found = f"{count(len(verdict.findings), 'finding')} in {cases}"
        told = f"{name} breaks {noun} {rules} of the {contract} contract: {found} ({took})"
        return Text.assemble(("FINDINGS", "bold red"), f": {told}")
    first = str(verdict.undecided[0])
    more = len(verdict.undecided) - 1
    told = f"{first} (and {more} more)" if more else first
    return Text.assemble(("UNDECIDED", "bold yellow"), f": {told} ({took})")


def _section(console: Console, title: str, lines: Sequence[str], style: str = "") -> None:
    if not lines:
        return
    console.print(Text(title, style=f"bold {style}".strip()))
    for line in lines:
        console.print(Text(f"  {line}"), soft_wrap=True)
