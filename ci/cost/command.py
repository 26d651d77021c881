"""`./ci/gate cost`: count, compare, tell."""

import os
import shlex
import sys
import tempfile
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from ci.cost import baseline, tables
from ci.cost.comparison import Comparison, CostVerdict, compare
from ci.cost.figures import Measured, assemble
from ci.processes import Message, OnStep, told_by
from ci.reports.console import console_on
from ci.reports.decision import Decision, counted
from ci.reports.reporter import Reporter

COUNT, COMPILE, HOST = "ci.cost.count_child", "ci.cost.compile_child", "ci.cost.host_child"
PATIENCE_SECONDS = 300.0
"""How long a process may say nothing; some implementations compile extensions when they are imported."""
WIDTH_WITHOUT_TERMINAL = 170
CHANGES_SHOWN = 60


def main(options: Namespace, start: Sequence[str]) -> int:
    """Count what an implementation costs, hold it against the baseline, and return the exit code."""
    about = {"implementation": options.implementation, "findings": []}
    reporter = Reporter("cost", options.report, console_on(sys.stdout, WIDTH_WITHOUT_TERMINAL), about)
    return reporter.of(lambda: _run(options, shlex.join(start), reporter))


def _run(options: Namespace, command: str, reporter: Reporter) -> int:
    accepted = baseline.read(options.implementation)
    measured = measure(options.implementation, reporter)
    result = compare(measured, accepted)
    _show(reporter, measured, result)
    content = content_of(measured, result)
    if not options.accept_cost:
        told = _told(measured, result, command)
        return reporter.told(content, result.verdict.decision, told, result.verdict.value)
    if measured.troubles:
        told = f"nothing was accepted, because not everything could be counted: {measured.troubles[0]}"
        return reporter.told(content, Decision.UNDECIDED, told)
    baseline.accept(measured)
    number = sum(len(figures) for figures in measured.figures().values())
    changed = f", {len(result.changes)} of them changed" if result.changes else ""
    told = f"{number} figures of {measured.implementation}{changed}: {os.path.relpath(baseline.PATH)}"
    return reporter.told(content, Decision.CLEAN, told, "accepted")


def measure(implementation: str, reporter: Reporter, workloads: Sequence[str] = ()) -> Measured:
    """Count an implementation's calls, and compile what they launch.

    Args:
        implementation: as `--impl` names it.
        reporter: shows how far it is.
        workloads: names of those to count, all if there are none.

    Raises:
        CannotRun: that cannot be done.
    """
    reporter.say(Text.assemble("counting what ", (implementation, "bold"), " costs, without a GPU"))
    with reporter.steps() as steps:
        told = count(implementation, steps.at, workloads)
        variants = told["variants"]
        is_any_portable = any("reason" not in variant for variant in variants)
        compiled = compile_(implementation, variants, steps.at) if is_any_portable else []
        host = count_host(implementation, steps.at)
    return assemble(implementation, told, compiled, host)


def count(implementation: str, on_step: OnStep, workloads: Sequence[str] = ()) -> Message:
    """Count an implementation's calls on the interpreter, and return what `ci.cost.count_child` told.

    Args:
        implementation: as `--impl` names it.
        on_step: see there.
        workloads: names of those of `tests.cases.cost_workloads` to count, all if there are none.

    Raises:
        CannotRun: the implementation is not to be had, or ended the process.
    """
    order = {"implementation": implementation, "workloads": list(workloads)}
    (told,) = _told_by(COUNT, order, {"TRITON_INTERPRET": "1"}, on_step)
    return told


def compile_(implementation: str, variants: list[Message], on_step: OnStep) -> list[Message]:
    """Compile variants for all targets, and return what was told about each.

    Raises:
        CannotRun: the implementation is not to be had where Triton compiles, or ended the process.
    """
    order = {"implementation": implementation, "variants": variants}
    # Code is compiled anew each time, and without line numbers: neither an old cache nor a comment changes a figure.
    with tempfile.TemporaryDirectory(prefix="cost-") as cache:
        environment = {"TRITON_CACHE_DIR": cache, "TRITON_DISABLE_LINE_INFO": "1"}
        return _told_by(COMPILE, order, environment, on_step)


def count_host(implementation: str, on_step: OnStep) -> Message:
    """Return what `ci.cost.host_child` tells of an implementation's calls.

    Raises:
        CannotRun: the implementation is not to be had where Triton compiles, or ended the process.
    """
    (told,) = _told_by(HOST, {"implementation": implementation}, {}, on_step)
    return told


def _told_by(module: str, order: Message, environment: Mapping[str, str], on_step: OnStep) -> list[Message]:
    """Have a process carry out an order, and return its messages but for its steps."""
    # Nothing that the user set for Triton, nor a GPU that happens to be there, may change a figure.
    kept_out: dict[str, Any] = dict.fromkeys(name for name in os.environ if name.startswith("TRITON_"))
    kept_out |= {"CUDA_VISIBLE_DEVICES": "", **environment}
    log = f"{module.rpartition('.')[2]}.log"
    return told_by(module, log, order, on_step, environment=kept_out, patience=PATIENCE_SECONDS)


def _show(reporter: Reporter, measured: Measured, result: Comparison) -> None:
    reporter.console.print()
    reporter.console.print(tables.of_calls(measured))
    if any(call.figures["torch operations"] for call in measured.calls):
        reporter.say("bytes and programs are those of Triton kernels; those of torch's operations are not seen\n", "")
    if measured.growing:
        told = ", ".join(f"{function} {number}" for function, number in measured.growing.items())
        reporter.say(f"variants that 1,000 growing requests compile: {told}\n", "")
    for call in measured.host:
        told = ", ".join(f"{number} {name}" for name, number in call.figures.items())
        reporter.say(f"a call of {call.function} on the host, up to the driver: {told}")
    if measured.codes:
        reporter.console.print(tables.of_code(measured))
        reporter.say(
            "code is compiled as launched for tensors on the CPU: what a GPU in sight would change is not seen"
        )
    changes = [str(change) for change in result.changes]
    more = len(changes) - CHANGES_SHOWN
    reporter.section("refused by the implementation, or by a backend", measured.notes)
    reporter.section("could not be counted", measured.troubles, "yellow")
    reporter.section("does not apply", [result.not_applicable] if result.not_applicable else [], "yellow")
    reporter.section("changed", changes[:CHANGES_SHOWN] + [f"and {more} more"] * (more > 0), "red")


def _told(measured: Measured, result: Comparison, command: str) -> str:
    """Return the verdict in one line."""
    name = measured.implementation
    limited = "; not all was compared" if result.not_applicable else ""
    match result.verdict:
        case CostVerdict.SAME:
            return f"{name} costs what was accepted: {result.compared} figures{limited}"
        case CostVerdict.NOT_COMPARED:
            return f"{name} has no baseline; --accept would write one"
        case CostVerdict.CHANGED:
            changed = f"{counted(len(result.changes), 'figure')} of {name} changed{limited}"
            return f"{changed}; if that is meant: {command} cost --impl {shlex.quote(name)} --accept"
    return f"{len(measured.troubles)} of {name}'s counts failed: {measured.troubles[0]}"


def content_of(measured: Measured, result: Comparison) -> dict[str, Any]:
    """Return what the JSON report holds: all figures, and each change as a finding."""
    return {
        "implementation": measured.implementation,
        "versions": dict(measured.versions),
        "findings": [{"figure": c.figure, "was": c.was, "now": c.now, "message": str(c)} for c in result.changes],
        "compared": result.compared,
        "not_applicable": result.not_applicable,
        "notes": list(measured.notes),
        "undecided": list(measured.troubles),
        **measured.figures(),
    }
