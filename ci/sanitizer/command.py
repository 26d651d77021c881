"""`./ci/gate sanitize`: run one of compute-sanitizer's tools over cases, and say what it found."""

import signal
import sys

from ci.sanitizer.cases import chosen_cases
from ci.sanitizer.options import Options
from ci.sanitizer.process import SanitizerReport, SanitizerUnavailable, run_sanitizer

CLEAN, FINDINGS, UNDECIDED = 0, 1, 2


def main(options: Options) -> int:
    """Run the tools, and return the exit code: 0 clean, 1 findings, 2 could not decide.

    Raises:
        NoSuchCase: a pattern matches no case.
    """
    # Not the default, which would leave the tool and what runs under it behind.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    selection = options.selection
    cases, reports = chosen_cases(selection), []
    for tool in options.tools:
        try:
            report = run_sanitizer(
                tool, options.implementations, selection.contract, cases, options.timeout, log=options.log
            )
        except SanitizerUnavailable as error:
            print(f"{tool}: could not decide: {error}", file=sys.stderr)
            return UNDECIDED
        show(report)
        reports.append(report)
    if any(report.findings for report in reports):
        return FINDINGS
    return UNDECIDED if any(report.undecided for report in reports) else CLEAN


def show(report: SanitizerReport) -> None:
    """Print what a tool found, and a line that sums it up."""
    implementations = dict.fromkeys(examined.implementation for examined in report.examined)
    for implementation in implementations:
        if len(implementations) > 1:
            print(f"{implementation}:")
        for finding in report.findings_on(implementation):
            print(finding)
    for reason in report.undecided:
        print(f"{report.tool}: could not decide: {reason}")
    verdict = "clean" if report.is_clean else f"{len(report.findings)} findings"
    start = f"{report.starting:.0f} s of them to start {report.processes} process{'es' * (report.processes > 1)}"
    print(f"{report.tool}: {len(report.examined)} cases in {report.seconds:.0f} s ({start}): {verdict}")
