"""Run one of compute-sanitizer's tools over cases, or each in turn, and say what it found."""

from argparse import Namespace

from rich.console import Console
from rich.text import Text

from ci.sanitizer.cases import CHOSEN, chosen_cases
from ci.sanitizer.process import SanitizerReport, run_sanitizer
from ci.sanitizer.tools import TOOLS
from ci.stopping import why
from tests.calls.errors import Foreseen
from tests.contract import Contract

CLEAN, FINDINGS, UNDECIDED = 0, 1, 2


def main(options: Namespace, console: Console) -> int:
    """Run the tools, and return the exit code: 0 clean, 1 findings, 2 could not decide.

    Args:
        options: with the names of `ci.sanitizer.options`.
        console: where the user looks.
    """
    implementations, cases = options.impl or ["own"], chosen_cases(options.case or CHOSEN)
    contract = Contract[options.contract.upper()]
    reports: list[SanitizerReport] = []
    stopped = ""
    try:
        for tool in TOOLS if options.tool == "all" else [options.tool]:
            reports.append(run_sanitizer(tool, implementations, contract, cases, options.timeout, log=options.log))
            show(reports[-1], console)
    except Foreseen as error:
        stopped = str(error)
    except KeyboardInterrupt as error:
        stopped = why(error)
    findings = sum(len(report.findings) for report in reports)
    undecided = [reason for report in reports for reason in report.undecided] + [stopped] * bool(stopped)
    if findings:
        _say(console, ("FINDINGS", "bold red"), f": {findings}" + (f"; and {undecided[-1]}" if undecided else ""))
        return FINDINGS
    if undecided:
        _say(console, ("UNDECIDED", "bold yellow"), f": {undecided[-1]}")
        return UNDECIDED
    _say(console, ("CLEAN", "bold green"), f": {', '.join(implementations)} under {', '.join(r.tool for r in reports)}")
    return CLEAN


def show(report: SanitizerReport, console: Console) -> None:
    """Print what a tool found, and a line that sums it up."""
    implementations = dict.fromkeys(examined.implementation for examined in report.examined)
    for implementation in implementations:
        if len(implementations) > 1:
            _say(console, f"{implementation}:")
        for finding in report.findings_on(implementation):
            _say(console, str(finding))
    for reason in report.undecided:
        _say(console, f"{report.tool}: could not decide: {reason}")
    verdict = "clean" if report.is_clean else f"{len(report.findings)} findings"
    start = f"{report.starting:.0f} s of them to start {report.processes} process{'es' * (report.processes > 1)}"
    _say(console, f"{report.tool}: {len(report.examined)} cases in {report.seconds:.0f} s ({start}): {verdict}")


def _say(console: Console, *parts: str | tuple[str, str]) -> None:
    console.print(Text.assemble(*parts), soft_wrap=True)
