"""`./ci/gate cost`: count, compare, tell."""

import os
import shlex
import sys
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from ci.cost import baseline, children, tables
from ci.cost.comparison import Comparison, Outcome, compare
from ci.cost.figures import Measured, assemble
from ci.cost.options import Options
from ci.reports.console import console_on
from ci.reports.ending import finish
from ci.reports.progress import Steps
from ci.reports.report import headed
from ci.reports.stopping import why
from tests.calls.errors import Foreseen

WIDTH_WITHOUT_TERMINAL = 170
CHANGES_SHOWN = 60
STYLES = {
    Outcome.SAME: "bold green",
    Outcome.NOT_COMPARED: "bold",
    Outcome.CHANGED: "bold red",
    Outcome.UNDECIDED: "bold yellow",
}


def main(options: Options, start: Sequence[str]) -> int:
    """Count what an implementation costs, hold it against the baseline, and return the exit code."""
    began = time.monotonic()
    console = console_on(sys.stdout, WIDTH_WITHOUT_TERMINAL)
    try:
        report, told = _run(options, shlex.join(start), console, began)
    except Foreseen as error:
        report, told = _undecided(options, str(error), began)
    except KeyboardInterrupt as error:
        report, told = _undecided(options, why(error), began)
    return finish(console, options.report, report, told.append(f" ({time.monotonic() - began:.0f} s)"))


def _run(options: Options, command: str, console: Console, began: float) -> tuple[dict[str, Any], Text]:
    """Count, compare and tell; return the report and the last line."""
    accepted = baseline.read(options.implementation)
    measured = measure(options.implementation, console)
    result = compare(measured, accepted)
    _show(console, measured, result)
    report = report_of(measured, result, time.monotonic() - began)
    if not options.accept_cost:
        return report, _verdict(measured, result, command)
    if measured.troubles:
        told = f"nothing was accepted, because not everything could be counted: {measured.troubles[0]}"
        return {**report, "verdict": "undecided", "exit_code": 2}, _line(Outcome.UNDECIDED, told)
    return {**report, "verdict": "accepted", "exit_code": 0}, _accept(measured, result)


def measure(implementation: str, console: Console, workloads: Sequence[str] = ()) -> Measured:
    """Count an implementation's calls, and compile what they launch.

    Args:
        implementation: as `--impl` names it.
        console: where progress is shown.
        workloads: names of those to count, all if there are none.

    Raises:
        CannotRun: that cannot be done.
    """
    console.print(Text.assemble("counting what ", (implementation, "bold"), " costs, without a GPU"))
    with Steps(console, time.monotonic()) as steps:
        counted = children.count(implementation, steps.at, workloads)
        places = [place for place, variant in enumerate(counted["variants"]) if "reason" not in variant]
        portable = [counted["variants"][place] for place in places]
        compiled = children.compile_(implementation, portable, steps.at) if portable else []
    for message in compiled:
        message["compiled"] = places[message["compiled"]]
    return assemble(implementation, counted, compiled)


def _show(console: Console, measured: Measured, result: Comparison) -> None:
    console.print()
    console.print(tables.of_calls(measured))
    if any(call.figures["torch operations"] for call in measured.calls):
        console.print(
            Text("bytes and programs are those of Triton kernels; those of torch's operations are not seen\n")
        )
    if measured.growing:
        told = ", ".join(f"{function} {number}" for function, number in measured.growing.items())
        console.print(Text(f"variants that 1,000 growing requests compile: {told}\n"), soft_wrap=True)
    if measured.codes:
        console.print(tables.of_code(measured))
        console.print(
            Text("code is compiled as launched for tensors on the CPU: what a GPU in sight would change is not seen"),
            style="dim",
            soft_wrap=True,
        )
    for title, lines, style in (
        ("refused by the implementation, or by a backend", measured.notes, ""),
        ("could not be counted", measured.troubles, "yellow"),
        ("does not apply", [result.not_applicable] if result.not_applicable else [], "yellow"),
        ("changed", [str(change) for change in result.changes[:CHANGES_SHOWN]], "red"),
    ):
        if lines:
            console.print(Text(title, style=f"bold {style}".strip()))
            for line in lines:
                console.print(Text(f"  {line}"), soft_wrap=True)
    more = len(result.changes) - CHANGES_SHOWN
    if more > 0:
        console.print(Text(f"  and {more} more"))


def _verdict(measured: Measured, result: Comparison, command: str) -> Text:
    name = measured.implementation
    limited = "; machine code was not compared" if result.not_applicable else ""
    match result.outcome:
        case Outcome.SAME:
            return _line(result.outcome, f"{name} costs what was accepted: {result.compared} figures{limited}")
        case Outcome.NOT_COMPARED:
            return _line(result.outcome, f"{name} has no baseline; --accept would write one")
        case Outcome.CHANGED:
            figures = "figure" if len(result.changes) == 1 else "figures"
            accept = f"{command} cost --impl {shlex.quote(name)} --accept"
            told = f"{len(result.changes)} {figures} of {name} changed{limited}; if that is meant: {accept}"
            return _line(result.outcome, told)
    return _line(result.outcome, f"{len(measured.troubles)} of {name}'s counts failed: {measured.troubles[0]}")


def _accept(measured: Measured, result: Comparison) -> Text:
    baseline.accept(measured)
    number = sum(len(figures) for figures in measured.figures().values())
    changed = f", {len(result.changes)} of them changed" if result.changes else ""
    told = f": {number} figures of {measured.implementation}{changed}: {os.path.relpath(baseline.PATH)}"
    return Text.assemble(("ACCEPTED", "bold green"), told)


def _undecided(options: Options, reason: str, began: float) -> tuple[dict[str, Any], Text]:
    content = {"implementation": options.implementation, "findings": [], "undecided": [reason]}
    outcome = Outcome.UNDECIDED
    report = headed("cost", outcome.value, outcome.exit_code, time.monotonic() - began, content)
    return report, _line(outcome, reason)


def _line(outcome: Outcome, told: str) -> Text:
    return Text.assemble((outcome.value.upper(), STYLES[outcome]), f": {told}")


def report_of(measured: Measured, result: Comparison, seconds: float) -> dict[str, Any]:
    """Return the JSON report: all figures, and each change as a finding."""
    content = {
        "implementation": measured.implementation,
        "triton": measured.triton,
        "findings": [{"figure": c.figure, "was": c.was, "now": c.now, "message": str(c)} for c in result.changes],
        "compared": result.compared,
        "not_applicable": result.not_applicable,
        "notes": list(measured.notes),
        "undecided": list(measured.troubles),
        **measured.figures(),
    }
    return headed("cost", result.outcome.value, result.outcome.exit_code, seconds, content)
