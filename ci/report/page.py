"""One page of a run, complete in itself: what its reports say, for people."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ci.report.findings import findings
from ci.report.forest import forest
from ci.report.html import bullets, facts, folded, section, table, text
from ci.reports.decision import Decision, counted
from tests.latency.machine import Machine
from tests.latency.stored_run import Run

STYLE = Path(__file__).with_name("page.css")
WITHOUT_PLOTS = "not drawn: Matplotlib is not installed here"
Report = Mapping[str, Any]
Histories = Mapping[Machine, Sequence[Run]]


def worst(reports: Sequence[Report]) -> Decision:
    """Return what a run came to: findings before what is undecided, before clean; without a report, undecided."""
    codes = [report.get("exit_code", Decision.UNDECIDED) for report in reports] or [Decision.UNDECIDED]
    found = Decision.FINDINGS in codes
    return Decision.FINDINGS if found else Decision.CLEAN if set(codes) == {0} else Decision.UNDECIDED


def page(reports: Sequence[Report], histories: Histories | None = None, missing: Sequence[str] = ()) -> str:
    """Return the page.

    Args:
        reports: of the jobs of a run, as their `--json` has them.
        histories: stored runs of each machine; none are shown without.
        missing: what there should have been a report of and is none, in words.
    """
    decision = worst(reports)
    by_kind = {str(report.get("report", "?")): report for report in reports}
    parts = [
        ("verdict", "Verdict", _verdicts(reports)),
        ("findings", "Findings", _findings(reports)),
        ("kills", "Planted bugs", _kills(by_kind.get("kills"))),
        ("latency", "Latency", _latency(by_kind.get("latency"))),
        ("history", "History", _history(histories, by_kind)),
        ("speed", "Speed", _speed(by_kind.get("speed"))),
        ("cost", "Cost", _cost(by_kind.get("cost"))),
        ("not-run", "Not run, and why", _not_run(reports, missing)),
    ]
    shown = [(name, title, body) for name, title, body in parts if body]
    links = "".join(f'<a href="#{name}">{title}</a>' for name, title, _ in shown)
    title = f"{decision.word}: {', '.join(by_kind) or 'no report'}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,"><title>{text(title)}</title><style>{STYLE.read_text(encoding="utf-8")}</style></head>
<body><a class="skip" href="#verdict">to the verdict</a>
<h1 class="{decision.word}">{text(title)}</h1><nav aria-label="parts">{links}</nav>
<main>{"".join(section(*part) for part in shown)}</main></body></html>
"""


def _verdicts(reports: Sequence[Report]) -> str:
    rows = [
        (report.get("report", "?"), report.get("verdict", "undecided"), f"{report.get('seconds', 0):.0f} s")
        for report in reports
    ]
    machines = [report["machine"] for report in reports if isinstance(report.get("machine"), Mapping)]
    about = {"implementation": next((r["implementation"] for r in reports if "implementation" in r), "-")}
    for report in reports:
        about |= {"against": report["base"]} if "base" in report else {}
    for machine in machines[:1]:
        about |= {name: ", ".join(map(str, each)) if isinstance(each, list) else each for name, each in machine.items()}
    return table(("job", "verdict", "took"), rows) + facts(about)


def _findings(reports: Sequence[Report]) -> str:
    of_cases = [each for report in reports if report.get("report") != "cost" for each in report.get("findings", ())]
    if not of_cases:
        return '<p class="good">No findings.</p>'
    return findings(of_cases)


def _kills(report: Report | None) -> str:
    """Return the table of planted bugs, whatever its columns are called, but for the numbers of their cases."""
    if report is None:
        return ""
    bugs = report.get("bugs") or {}
    rows = [{"bug": name, **of} for name, of in bugs.items()] if isinstance(bugs, Mapping) else list(bugs)
    lists = "".join(
        f"<h3>{title}</h3>{bullets(map(_short, report[name]))}"
        for name, title in (("missed", "Missed"), ("alarms", "False alarms"), ("unseen", "Not seen without a GPU"))
        if report.get(name)
    )
    if not rows:
        return lists or f"<p>{text(report.get('verdict', 'undecided'))}</p>"
    head = [name for name in rows[0] if name != "cases"]
    return lists + table(head, [[_short(row.get(name, "")) for name in head] for row in rows])


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        value = [f"{name} {of}" for name, of in value.items()]
    told = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return told if len(told) <= 200 else f"{told[:197]}..."


def _latency(report: Report | None) -> str:
    if report is None:
        return ""
    warnings = "".join(f'<p class="open">{text(line)}</p>' for line in report.get("blind", ()))
    about = (
        "Right of 1 is slower. A large mark with its bar is the ratio with its 99 % interval; a small one is a draw. "
        "Within the band lies what is no change."
    )
    return f'{warnings}<p class="faint">{about}</p>{forest(report)}'


def _history(histories: Histories | None, by_kind: Mapping[str, Report]) -> str:
    if histories is None:
        return ""
    if find_spec("matplotlib") is None:
        return f"<p>{WITHOUT_PLOTS}</p>"
    from ci.report.plots import history_of

    implementation = str(by_kind.get("latency", {}).get("implementation", "own"))
    cells = dict.fromkeys(cell for runs in histories.values() for run in runs for cell in run.cells)
    drawn = {cell: svg for cell in cells if (svg := history_of(cell, histories, implementation))}
    figures = "".join(f"<figure>{svg}<figcaption>{text(cell.id)}</figcaption></figure>" for cell, svg in drawn.items())
    runs = sum(map(len, histories.values()))
    about = f"{counted(runs, 'stored run')}; bars are 99 % intervals, the copy is a control"
    return f'<p class="faint">{text(about)}</p><div class="plots">{figures}</div>'


def _speed(report: Report | None) -> str:
    if report is None:
        return ""
    rows = report.get("rows", ())
    plot = f"<p>{WITHOUT_PLOTS}</p>"
    if find_spec("matplotlib") is not None and rows:
        from ci.report.plots import roofline

        plot = f'<figure style="max-width: 40rem">{roofline(rows)}</figure>'
    head = ("workload", "side", "us", "GB/s", "to a copy")
    figures = [
        (row["workload"], row["side"], f"{row['cold_us']:.2f}", f"{row['gb_per_s']:.0f}", f"{row['to_copy']:.3f}")
        for row in rows
    ]
    return plot + folded("all figures", table(head, figures))


def _cost(report: Report | None) -> str:
    if report is None:
        return ""
    changes = report.get("findings", ())
    if not changes:
        return f"<p>{text(report.get('verdict', ''))}: {text(report.get('compared', 0))} figures compared</p>"
    return table(("figure", "was", "is"), [(c.get("figure", ""), c.get("was", ""), c.get("now", "")) for c in changes])


def not_run_of(report: Report) -> Mapping[str, int]:
    """Return why cases of an examination were not run, and how many; other jobs' cases are lists."""
    cases = report.get("cases")
    return (cases.get("not_run") or {}) if isinstance(cases, Mapping) else {}


def _not_run(reports: Sequence[Report], missing: Sequence[str]) -> str:
    lines = list(missing)
    for report in reports:
        kind = report.get("report", "?")
        not_run = not_run_of(report)
        lines += [f"{kind}: {counted(number, 'case')}: {reason}" for reason, number in not_run.items()]
        for item in report.get("undecided", ()):
            of = item if isinstance(item, Mapping) else {"reason": item}
            lines.append(
                f"{kind}: could not decide{': ' + str(of['case']) if of.get('case') else ''}: {of.get('reason')}"
            )
    return bullets(lines) if lines else "<p>Everything was run.</p>"
