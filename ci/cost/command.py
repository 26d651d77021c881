"""`./ci/gate --cost`: count, compare, tell."""

import os
import sys
import time
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.text import Text

from ci import report
from ci.cost import baseline, children, tables
from ci.cost.comparison import Comparison, Outcome, compare
from ci.cost.figures import COMPILED, COUNTED, Measured, assemble
from ci.cost.progress import Steps
from ci.options import Options

WIDTH_WITHOUT_TERMINAL = 170
CHANGES_SHOWN = 60
STYLES = {
    Outcome.SAME: "bold green",
    Outcome.NOT_COMPARED: "bold",
    Outcome.CHANGED: "bold red",
    Outcome.UNDECIDED: "bold yellow",
}


def main(options: Options, command: str) -> int:
    """Count what an implementation costs, hold it against the baseline, and return the exit code.

    Args:
        options: what the user asks for.
        command: the gate's name as it was typed.
    """
    began = time.monotonic()
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else WIDTH_WITHOUT_TERMINAL, highlight=False, markup=False, emoji=False)
    name = options.implementation
    try:
        accepted = baseline.read(name)
        measured = measure(name, console)
        result = compare(measured, accepted)
        _show(console, measured, result)
        if options.accept_cost:
            told, code = _accept(console, measured, result)
        else:
            told, code = _verdict(measured, result, command), result.outcome.exit_code
    except (children.CannotCount, baseline.BadBaseline) as error:
        measured, result, code = None, None, 2
        told = _line(Outcome.UNDECIDED, str(error))
    except KeyboardInterrupt:
        measured, result, code = None, None, 2
        told = _line(Outcome.UNDECIDED, "interrupted")
    seconds = time.monotonic() - began
    if options.report is not None:
        code = _report(console, options, measured, result, code, seconds)
    told.append(f" ({seconds:.0f} s)")
    console.print(told, soft_wrap=True)
    return code


def measure(implementation: str, console: Console) -> Measured:
    """Count an implementation's calls, and compile what they launch.

    Raises:
        CannotCount: that cannot be done.
    """
    triton = version("triton")
    console.print(Text.assemble("counting what ", (implementation, "bold"), f" costs, with Triton {triton}, on no GPU"))
    with Steps(console) as steps:
        counted = children.count(implementation, steps.at)
        places = [place for place, variant in enumerate(counted["variants"]) if "reason" not in variant]
        portable = [counted["variants"][place] for place in places]
        compiled = children.compile_(implementation, portable, steps.at) if portable else []
    for message in compiled:
        message["compiled"] = places[message["compiled"]]
    return assemble(implementation, triton, counted, compiled)


def _show(console: Console, measured: Measured, result: Comparison) -> None:
    console.print()
    console.print(tables.of_calls(measured))
    if measured.growing:
        told = ", ".join(f"{function} {number}" for function, number in measured.growing.items())
        console.print(Text(f"variants that 1,000 growing requests compile: {told}\n"), soft_wrap=True)
    if measured.codes:
        console.print(tables.of_code(measured))
        console.print(
            Text("code is compiled as it is launched for tensors on the CPU; what a GPU in sight would change is not seen\n"),
            style="dim",
            soft_wrap=True,
        )
    for title, lines, style in (
        ("refused", measured.notes, ""),
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
            return _line(result.outcome, f"{name} has no baseline; --accept-cost would write one")
        case Outcome.CHANGED:
            figures = "figure" if len(result.changes) == 1 else "figures"
            accept = f"{command} --cost --impl {name} --accept-cost"
            told = f"{len(result.changes)} {figures} of {name} changed{limited}; if that is meant: {accept}"
            return _line(result.outcome, told)
    return _line(result.outcome, f"{len(measured.troubles)} of {name}'s counts failed: {measured.troubles[0]}")


def _accept(console: Console, measured: Measured, result: Comparison) -> tuple[Text, int]:
    if measured.troubles:
        told = f"nothing was accepted, because not everything could be counted: {measured.troubles[0]}"
        return _line(Outcome.UNDECIDED, told), 2
    baseline.accept(measured)
    path = os.path.relpath(baseline.PATH)
    number = sum(len(figures) for figures in measured.figures().values())
    changed = f", {len(result.changes)} of them changed" if result.changes else ""
    return Text.assemble(("ACCEPTED", "bold green"), f": {number} figures of {measured.implementation}{changed}: {path}"), 0


def _line(outcome: Outcome, told: str) -> Text:
    return Text.assemble((outcome.value.upper(), STYLES[outcome]), f": {told}")


def _report(
    console: Console,
    options: Options,
    measured: Measured | None,
    result: Comparison | None,
    code: int,
    seconds: float,
) -> int:
    """Write the report, and return the exit code, which is 2 where it cannot be written."""
    assert options.report is not None
    content: dict[str, Any] = {
        "verdict": result.outcome.value if result else Outcome.UNDECIDED.value,
        "exit_code": code,
        "implementation": options.implementation,
        "seconds": round(seconds, 1),
        "findings": [],
    }
    if measured is not None and result is not None:
        figures = measured.figures()
        content |= {
            "triton": measured.triton,
            "findings": [{"figure": c.figure, "was": c.was, "now": c.now, "message": str(c)} for c in result.changes],
            "compared": result.compared,
            "not_applicable": result.not_applicable,
            "notes": list(measured.notes),
            "undecided": list(measured.troubles),
            COUNTED: figures[COUNTED],
            COMPILED: figures[COMPILED],
        }
    try:
        report.write(options.report, content)
    except OSError as error:
        console.print(Text(f"cannot write the report {options.report}: {error.strerror or error}", style="bold red"))
        return code or 2
    console.print(Text(f"report: {options.report}", style="dim"), soft_wrap=True)
    return code
