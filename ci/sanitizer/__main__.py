"""`python -m ci.sanitizer`: run one of compute-sanitizer's tools over cases, and say what it found."""

import argparse
import signal
import sys
from pathlib import Path

from ci.sanitizer.cases import CHOSEN, chosen_cases
from ci.sanitizer.process import SanitizerReport, SanitizerUnavailable, run_sanitizer
from ci.sanitizer.tools import TOOLS
from tests.contract import Contract

CLEAN, FINDINGS, UNDECIDED = 0, 1, 2


def main(arguments: list[str]) -> int:
    """Run the command line, and return its exit code: 0 clean, 1 findings, 2 could not decide."""
    parser = argparse.ArgumentParser(prog="python -m ci.sanitizer", description=__doc__)
    parser.add_argument("--tool", choices=[*TOOLS, "all"], default="all", help="default: each in turn")
    parser.add_argument(
        "--impl",
        action="append",
        help="implementation: own (the default), sglang, torch, PATH.py, or package.module[:name]; may be repeated",
    )
    parser.add_argument("--contract", choices=[c.label for c in Contract], default="strict")
    parser.add_argument("--case", action="append", metavar="PATTERN", help="default: a chosen part of the catalogue")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="S", help="seconds for each tool")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append what was printed, the tool's records included")
    options = parser.parse_args(arguments)
    # Not the default, which would leave the tool and what runs under it behind.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    implementations, cases = options.impl or ["own"], chosen_cases(options.case or CHOSEN)
    reports = []
    for tool in TOOLS if options.tool == "all" else [options.tool]:
        try:
            contract = Contract[options.contract.upper()]
            report = run_sanitizer(tool, implementations, contract, cases, options.timeout, log=options.log)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
