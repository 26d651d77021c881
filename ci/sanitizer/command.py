"""`./ci/gate sanitize`: run one of compute-sanitizer's tools over cases, or each in turn, and say what it found."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ci.reports.console import console_on
from ci.reports.stopping import why
from ci.sanitizer.cases import chosen_cases
from ci.sanitizer.options import Options
from ci.sanitizer.process import SanitizerReport, run_sanitizer
from tests.calls.errors import Foreseen

CLEAN, FINDINGS, UNDECIDED = 0, 1, 2


def main(options: Options, start: Sequence[str], console: Console | None = None) -> int:
    """Run the tools, and return the exit code: 0 clean, 1 findings, 2 could not decide.

    Raises:
        NoSuchCase: a pattern matches no case.
    """
    console = console or console_on(sys.stdout)
    implementations, contract = options.implementations, options.selection.contract
    cases = chosen_cases(options.selection)
    reports: list[SanitizerReport] = []
    stopped = ""
    try:
        for tool in options.tools:
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
