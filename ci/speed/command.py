"""`./ci/gate speed`: measure implementations side by side on a GPU, and show the figures."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from ci.processes import CannotRun
from ci.reports.decision import Decision
from ci.reports.reporter import Reporter
from ci.speed import figures, listening, table
from ci.speed.child import Order
from ci.speed.options import Options

RUNS = 3
"""Draws of memory of each workload, unless the user says how many."""
OWN, PEERS = "own", ("sglang", "torch")


def main(options: Options, start: Sequence[str], console: Console | None = None) -> int:
    """Measure and tell; return the exit code: 0, or 2 if it could not be measured."""
    reporter = Reporter("speed", options.report, console)
    return reporter.of(lambda: _run(options, reporter))


def order_of(implementation: str, runs: int) -> Order:
    """Return what is measured besides an implementation that the user names: the project's own, and peers."""
    names = list(dict.fromkeys((OWN, implementation, *PEERS)))
    return Order(names, [name for name in PEERS if name != implementation], runs)


def _run(options: Options, reporter: Reporter) -> int:
    with reporter.steps() as steps:
        told = listening.run(order_of(options.implementation, options.runs or RUNS), steps.at)
    try:
        summaries = figures.summaries(told.workloads)
    except (ValueError, ZeroDivisionError) as error:
        raise CannotRun(f"the clock told times of zero or less: {error}") from error
    _show(reporter, told, summaries)
    last = table.last_line(summaries, sum(workload.is_stated for workload in told.workloads))
    return reporter.told(content(told, summaries), Decision.CLEAN, last)


def _show(reporter: Reporter, told: listening.Told, summaries: list[figures.Summary]) -> None:
    reporter.console.print(table.of_workloads(told.workloads))
    if any(timed.is_eager for workload in told.workloads for timed in workload.sides.values()):
        reporter.say(table.EAGER_NOTE)
    reporter.console.print(table.of_summaries(summaries))
    reporter.say(table.floor_note(summaries))
    reporter.say(", ".join(f"{key} {value}" for key, value in told.machine.items()))
    for name, why in told.left_out.items():
        reporter.say(f"left out: {name}: {why}")
    for sentence in told.unchecked:
        reporter.say(f"not checked: {sentence}")


def content(told: listening.Told, summaries: list[figures.Summary]) -> dict[str, Any]:
    """Return the JSON report: figures, and the medians of the runs that they are of."""
    return {
        "machine": told.machine,
        "left_out": told.left_out,
        "unchecked": told.unchecked,
        "summaries": [asdict(summary) for summary in summaries],
        "rows": [asdict(row) for workload in told.workloads for row in figures.rows(workload)],
        "workloads": [workload.as_json() for workload in told.workloads],
    }
