"""The gate's JSON reports as Markdown, for the summary of a CI run: `python3 -m ci.reports.step_summary REPORT...`.

Needs the standard library only. A report that was not written is told as such: its step did not get that far.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.calls.text import harmless

MOST_LINES = 58
"""Of a summary of several reports: nobody scrolls further in a pull request."""
LOUDEST_FIRST = (1, 2, 0)
"""Exit codes, in the order in which reports are told."""
MOST_ROWS = 30
"""Findings, or cells, that are told; the rest are counted."""
MARKS = {0: "✅", 1: "❌", 2: "⚠️"}
"""By exit code: the jobs have verdicts of their own."""
LOUD_CELLS = ("SLOWER", "INCONCLUSIVE", "FASTER")
"""Verdicts on cells, in the order in which they are told; all other cells are counted only."""


def markdown(name: str, report: Mapping[str, Any] | None) -> str:
    """Return what a report says.

    Args:
        name: of its file.
        report: its content, or None if there is none.
    """
    if report is None:
        return f"## ⚠️ {_text(name)}\n\nThere is no report: the gate did not get that far.\n"
    verdict, mark = str(report.get("verdict", "undecided")), MARKS.get(report.get("exit_code", 2), MARKS[2])
    title = f"## {mark} {_text(Path(name).stem)}: {_text(verdict)}"
    parts = [title, _about(report)]
    findings = report.get("findings", ())
    if findings:
        parts.append(_table(("rule", "cases", "functions", "what"), _faults(findings)))
    cells = report.get("cells", ())
    if cells:
        parts.append(_cells(cells))
    undecided = _reasons(report.get("undecided", ()))
    if undecided:
        parts.append("Could not decide:\n\n" + "\n".join(f"- {line}" for line in _first(undecided)))
    if report.get("notes"):
        parts.append("\n".join(f"- {_text(str(note))}" for note in _first(report["notes"])))
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(report: Mapping[str, Any]) -> str:
    machine = report.get("machine") or {}
    told = [str(report["implementation"])] if "implementation" in report else []
    if "base" in report:
        told.append(f"against {report['base']}")
    if "contract" in report:
        told.append(f"{report['contract']} contract")
    if report.get("rules_not_held"):
        told.append(f"rules {', '.join(map(str, report['rules_not_held']))} not held against it")
    cases = report.get("cases")
    cases = cases if isinstance(cases, Mapping) else {}
    if "examined" in cases:
        left_out = sum((cases.get("not_run") or {}).values())
        noun = "case" if cases["examined"] == 1 else "cases"
        numbers = {"refused": cases.get("refused", 0), "not run": left_out}
        more = "".join(f", {number} {what}" for what, number in numbers.items() if number)
        told.append(f"{cases['examined']} {noun} examined{more}")
    gpus = machine.get("gpus") or machine.get("gpu") or []
    told += dict.fromkeys([gpus] if isinstance(gpus, str) else gpus)
    told += [f"{package} {machine[package]}" for package in ("torch", "triton") if package in machine]
    if "seconds" in report:
        told.append(f"{report['seconds']:.0f} s")
    return " · ".join(_text(part) for part in told)


def _alike(items: Sequence[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], Any]) -> dict[Any, list[Any]]:
    alike: dict[Any, list[Any]] = {}
    for item in items:
        alike.setdefault(key(item), []).append(item)
    return alike


def by_fault(findings: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return an examination's findings of one rule and one fault together, each in their order."""
    # Without a fault, findings are not known to be alike.
    return list(
        _alike(findings, lambda of: (str(of.get("rule", "")), str(of.get("fault") or of.get("message")))).values()
    )


def _faults(findings: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return a row for each rule and fault: the first finding, and in how many cases there are such."""
    return [
        (str(fault[0].get("rule", "")), cases_of(fault), functions_of(fault), str(fault[0].get("message", "")))
        for fault in by_fault(findings)
    ]


def cases_of(items: Sequence[Mapping[str, Any]]) -> str:
    """Return the first case, and how many others there are."""
    cases = list(dict.fromkeys(str(item.get("case", "")) for item in items))
    return cases[0] + (f" and {len(cases) - 1} more" if len(cases) > 1 else "")


def functions_of(findings: Sequence[Mapping[str, Any]]) -> str:
    """Return all functions of findings."""
    return ", ".join(dict.fromkeys(str(finding.get("function", "")) for finding in findings))


def _cells(cells: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(str(cell.get("verdict")) for cell in cells)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    loud = [cell for verdict in LOUD_CELLS for cell in cells if cell.get("verdict") == verdict]
    head = ("cell", "verdict", "time, head over base", "interval", "why")
    table = _table(head, [_cell(cell) for cell in loud]) if loud else ""
    return "\n\n".join(part for part in (f"{len(cells)} cells: {_text(told)}", table) if part)


def _cell(cell: Mapping[str, Any]) -> tuple[str, ...]:
    ratio, (low, high) = cell.get("ratio"), cell.get("interval") or (None, None)
    interval = f"{_percent(low)} to {_percent(high)}" if low is not None and high is not None else ""
    name, verdict, reason = (str(cell.get(key, "")) for key in ("cell", "verdict", "reason"))
    return name, verdict, "" if ratio is None else _percent(ratio), interval, reason


def _percent(ratio: float) -> str:
    return f"{(ratio - 1) * 100:+.1f} %"


def _reasons(items: Sequence[Mapping[str, Any] | str]) -> list[str]:
    """Return a line for each reason, with the first of its cases."""
    told = [{"reason": item} if isinstance(item, str) else item for item in items]
    alike = _alike(told, lambda item: str(item.get("reason")))
    cases = {reason: [item for item in of if item.get("case")] for reason, of in alike.items()}
    return [_text(f"{cases_of(of)}: {reason}" if of else reason) for reason, of in cases.items()]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(_text(value) for value in row) for row in rows[:MOST_ROWS]]
    table = "\n".join(f"| {line} |" for line in lines)
    more = len(rows) - MOST_ROWS
    return table + (f"\n\nand {more} more, see the report" if more > 0 else "")


def _first(lines: Sequence[str]) -> list[str]:
    more = len(lines) - MOST_ROWS
    return list(lines) if more <= 0 else [*lines[:MOST_ROWS], f"and {more} more, see the report"]


def _text(value: str) -> str:
    """Return text that Markdown shows as it is: what a pull request wrote must not become links, tables or HTML."""
    line = harmless(" ".join(value.split()))
    for character in "\\`*_[]<>|#!~":
        line = line.replace(character, f"\\{character}")
    return line.replace("@", "@\u200b")


def main(paths: Sequence[str]) -> int:
    """Print the summary of reports; the exit code is 0 unless there are none to look for.

    Whether the run passed is told by the gate's own exit codes.
    """
    if not paths:
        print("usage: python3 -m ci.reports.step_summary REPORT...", file=sys.stderr)
        return 2
    print(summary({path: _read(Path(path)) for path in paths}), end="")
    return 0


def summary(reports: Mapping[str, Mapping[str, Any] | None]) -> str:
    """Return what reports say, at most `MOST_LINES` lines: what was found or changed first, what is clean last.

    Args:
        reports: content by the name of the file, None where there is none.
    """
    told = {name: report for name, report in reports.items() if not report or report.get("report") != "run"}
    ordered = sorted(told.items(), key=lambda named: LOUDEST_FIRST.index(_code(named[1])))
    lines = "\n".join(_markdown(name, report) for name, report in ordered).splitlines()
    if len(lines) > MOST_LINES:
        rest = f"and {len(lines) - MOST_LINES + 2} more lines, see the page among the artifacts"
        lines = [*lines[: MOST_LINES - 2], "", rest]
    return "\n".join(lines) + "\n"


def _code(report: Mapping[str, Any] | None) -> int:
    code = (report or {}).get("exit_code")
    return code if isinstance(code, int) and code in LOUDEST_FIRST else 2


def _markdown(name: str, report: Mapping[str, Any] | None) -> str:
    try:
        return markdown(name, report)
    except (AttributeError, TypeError, ValueError):
        return markdown(name, {"undecided": ["the report is none of this project's"]})


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        return {"undecided": [f"the report cannot be read: {error}"]}
    return report if isinstance(report, dict) else {"undecided": ["the report is no JSON object"]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
