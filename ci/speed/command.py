"""`./ci/gate speed`: measure implementations side by side on a GPU, and show the figures."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from ci.processes import CannotRun, Message, told_by
from ci.reports.decision import Decision
from ci.reports.reporter import Reporter
from ci.speed import figures, table
from ci.speed.figures import Summary, Workload

OWN, PEERS = "own", ("sglang", "torch")


def main(options: Namespace, start: Sequence[str], console: Console | None = None) -> int:
    """Measure and tell; return the exit code: 0, or 2 if it could not be measured."""
    reporter = Reporter("speed", options.report, console)
    return reporter.of(lambda: _run(options, reporter))


def order_of(implementation: str, runs: int) -> Message:
    """Return what is measured besides an implementation that the user names: the project's own, and peers."""
    names = list(dict.fromkeys((OWN, implementation, *PEERS)))
    return {"implementations": names, "optional": [name for name in PEERS if name != implementation], "runs": runs}


def _run(options: Namespace, reporter: Reporter) -> int:
    with reporter.steps() as steps:
        (told,) = told_by("ci.speed.child", "speed.log", order_of(options.implementation, options.runs), steps.at)
    workloads = list(map(Workload.from_json, told["workloads"]))
    try:
        summaries = figures.summaries(workloads)
    except (ValueError, ZeroDivisionError) as error:
        raise CannotRun(f"the clock told times of zero or less: {error}") from error
    _show(reporter, told, workloads, summaries)
    last = table.last_line(summaries, sum(workload.is_stated for workload in workloads))
    return reporter.told(content(told, workloads, summaries), Decision.CLEAN, last)


def _show(reporter: Reporter, told: Message, workloads: Sequence[Workload], summaries: list[Summary]) -> None:
    reporter.console.print(table.of_workloads(workloads))
    if any(timed.is_eager for workload in workloads for timed in workload.sides.values()):
        reporter.say(table.EAGER_NOTE)
    reporter.console.print(table.of_summaries(summaries))
    reporter.say(table.IN_PLACE_NOTE)
    reporter.say(table.floor_note(summaries))
    reporter.say(", ".join(f"{key} {value}" for key, value in told["machine"].items()))
    for name, why in told["left_out"].items():
        reporter.say(f"left out: {name}: {why}")
    for sentence in told["unchecked"]:
        reporter.say(f"not checked: {sentence}")


def content(told: Message, workloads: Sequence[Workload], summaries: list[Summary]) -> dict[str, Any]:
    """Return the JSON report: figures, and the medians of the runs that they are of."""
    return {
        **told,
        "summaries": [asdict(summary) for summary in summaries],
        "rows": [asdict(row) for workload in workloads for row in figures.rows(workload)],
    }
