"""What is told at the end: the table of families, what was not run, the broken rules, the verdict, and the report."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from ci.examination.entries import entries, rules_told
from ci.examination.verdict import CUT_SHORT, RunVerdict
from ci.reports.console import table_of
from ci.reports.decision import Decision, counted
from ci.reports.reporter import Reporter
from tests.examine.finding import Finding
from tests.examine.selection import Selection

UNDECIDED_NAMED = 10


def show(reporter: Reporter, verdict: RunVerdict, rules: Sequence[str] = (), known: Sequence[str] = ()) -> None:
    """Print all but the last line of a run's summary.

    Args:
        reporter: prints it.
        verdict: the verdict.
        rules: what is told of all rules.
        known: what is told of breakages that are known.
    """
    reporter.console.print()
    reporter.console.print(family_table(verdict))
    reporter.section("to be known", verdict.notes)
    reporter.section("not run", [f"{number:5}  {reason}" for reason, number in verdict.not_run.most_common()])
    reporter.section("could not decide", undecided_lines(verdict), "yellow")
    reporter.section("rules", rules)
    reporter.section("broken rules", rule_lines(verdict.findings), "red")
    reporter.section("known breakages", known)
    reporter.console.print()


def family_table(verdict: RunVerdict) -> Table:
    """Return how the cases of each family came out, with a last row for all of them."""
    rows = [*verdict.families, verdict.total]
    undecided = ["undecided"] * any(row.undecided for row in rows)
    words = ("family", "rules broken")
    headings = (words[0], "examined", "clean", "refused", "with findings", *undecided, "not run", words[1])
    table = table_of(headings, words)
    for row in rows:
        if row is verdict.total:
            table.add_section()
        table.add_row(
            Text(row.family),
            _number(row.examined),
            _number(row.clean, "green"),
            _number(row.refused),
            _number(row.with_findings, "red"),
            *(_number(row.undecided, "yellow") for _ in undecided),
            _number(row.not_run),
            Text(", ".join(map(str, row.rules_broken)), style="red"),
            style="bold" if row is verdict.total else None,
        )
    return table


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


def last_line(verdict: RunVerdict, selection: Selection) -> str:
    """Return the verdict in one line."""
    told = {Decision.CLEAN: _clean, Decision.FINDINGS: _findings, Decision.UNDECIDED: _undecided}
    return told[verdict.decision](verdict, selection)


def content(verdict: RunVerdict, selection: Selection, machine: dict[str, Any]) -> dict[str, Any]:
    """Return what the JSON report of a verdict holds.

    Args:
        verdict: the verdict.
        selection: what was examined.
        machine: versions and devices, JSON values only.
    """
    total = verdict.total
    numbers = {name: getattr(total, name) for name in ("examined", "clean", "with_findings", "undecided", "refused")}
    return {
        "implementation": selection.implementation,
        "contract": selection.contract.label,
        "rules_not_held": list(map(int, selection.contract.not_held)),
        "machine": machine,
        "cases": {**numbers, "not_run": dict(verdict.not_run.most_common())},
        "findings": [finding.as_json() for finding in verdict.findings],
        "undecided": [
            {"case": case, "reason": item.reason} for item in verdict.undecided for case in item.cases or (None,)
        ],
        "notes": list(verdict.notes),
    }


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
