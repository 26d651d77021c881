"""`./ci/gate --speed`: measure implementations side by side on a GPU, and show the figures."""

import time
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from ci.measuring_process import CannotMeasure
from ci.options import Options
from ci.reports.progress import Steps
from ci.reports.report import headed
from ci.speed import figures, listening, table
from ci.speed.measure import Order
from ci.stopping import why as why_stopped
from tests.calls import files

RUNS = 3
"""Draws of memory of each workload, unless the user says how many."""
OWN, PEERS = "own", ("sglang", "torch")


def main(options: Options, console: Console) -> int:
    """Measure and tell; return the exit code: 0, or 2 if it could not be measured."""
    began = time.monotonic()
    try:
        told, code = _run(options, console, began), 0
    except (CannotMeasure, files.NotWritten) as error:
        told, code = _undecided(options, str(error), began), 2
    except KeyboardInterrupt as error:
        told, code = _undecided(options, why_stopped(error), began), 2
    except OSError as error:
        told, code = _undecided(options, f"cannot write {error.filename}: {error.strerror or error}", began), 2
    console.print(told.append(f" ({time.monotonic() - began:.0f} s)"), soft_wrap=True)
    return code


def order_of(implementation: str, runs: int) -> Order:
    """Return what is measured besides an implementation that the user names: the project's own, and peers."""
    names = tuple(dict.fromkeys((OWN, implementation, *PEERS)))
    return Order(names, tuple(name for name in PEERS if name != implementation), runs)


def _run(options: Options, console: Console, began: float) -> Text:
    with Steps(console, began) as steps:
        told = listening.run(
            order_of(options.implementation, options.runs or RUNS),
            lambda message: steps.at(message["step"], message["done"], message["of"]),
        )
    try:
        summaries = figures.summaries(told.workloads)
    except (ValueError, ZeroDivisionError) as error:
        raise CannotMeasure(f"the clock told times of zero or less: {error}") from error
    _show(console, told, summaries)
    if options.report is not None:
        files.write_json(options.report, content(told, summaries, time.monotonic() - began))
        console.print(Text(f"figures: {options.report}", style="dim"), soft_wrap=True)
    return table.last_line(summaries, sum(workload.is_stated for workload in told.workloads))


def _show(console: Console, told: listening.Told, summaries: list[figures.Summary]) -> None:
    def say(line: str) -> None:
        console.print(Text(line, style="dim"), soft_wrap=True)

    console.print(table.of_workloads(told.workloads))
    if any(timed.is_eager for workload in told.workloads for timed in workload.sides.values()):
        say(table.EAGER_NOTE)
    console.print(table.of_summaries(summaries))
    say(table.floor_note(summaries))
    say(", ".join(f"{key} {value}" for key, value in told.machine.items()))
    for name, why in told.left_out.items():
        say(f"left out: {name}: {why}")
    for sentence in told.unchecked:
        say(f"not checked: {sentence}")


def content(told: listening.Told, summaries: list[figures.Summary], seconds: float) -> dict[str, Any]:
    """Return the JSON report: figures, and the medians of the runs that they are of."""
    content = {
        "machine": told.machine,
        "left_out": told.left_out,
        "unchecked": told.unchecked,
        "summaries": [asdict(summary) for summary in summaries],
        "rows": [asdict(row) for workload in told.workloads for row in figures.rows(workload)],
        "workloads": [workload.as_json() for workload in told.workloads],
    }
    return headed("speed", "measured", 0, seconds, content)


def _undecided(options: Options, reason: str, began: float) -> Text:
    if options.report is not None:
        try:
            content = {"undecided": [{"case": None, "reason": reason}]}
            files.write_json(options.report, headed("speed", "undecided", 2, time.monotonic() - began, content))
        except OSError as error:
            reason += f"; and cannot write {options.report}: {error.strerror or error}"
    return Text.assemble(("UNDECIDED", "bold yellow"), f": {reason}")
