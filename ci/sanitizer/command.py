"""`./ci/gate sanitize`: run one of compute-sanitizer's tools over cases, or each in turn, and say what it found."""

from argparse import Namespace
from collections.abc import Sequence

from rich.console import Console

from ci.reports.decision import Decision, counted
from ci.reports.reporter import Reporter
from ci.reports.stopping import why
from ci.sanitizer.cases import chosen_cases
from ci.sanitizer.process import SanitizerReport, run_sanitizer
from tests.calls.errors import Foreseen


def main(options: Namespace, start: Sequence[str], console: Console | None = None) -> int:
    """Run the tools, and return the exit code: 0 clean, 1 findings, 2 could not decide.

    Raises:
        NoSuchCase: a pattern matches no case.
    """
    reporter = Reporter("sanitizer", options.report, console)
    implementations, contract = options.implementations, options.selection.contract
    cases = chosen_cases(options.selection)
    reports: list[SanitizerReport] = []
    stopped = []
    try:
        for tool in options.tools:
            reports.append(run_sanitizer(tool, implementations, contract, cases, options.timeout, log=options.log))
            show(reports[-1], reporter)
    except Foreseen as error:
        stopped = [str(error)]
    except KeyboardInterrupt as error:
        stopped = [why(error)]
    undecided = [f"{report.tool}: {reason}" for report in reports for reason in report.undecided] + stopped
    findings = [{**found.as_json(), "tool": report.tool} for report in reports for found in report.findings]
    tools = {report.tool: len(report.examined) for report in reports}
    content = {"implementation": ", ".join(implementations), "tools": tools, "findings": findings}
    content["undecided"] = [{"case": None, "reason": reason} for reason in undecided]
    if findings:
        told = f"{len(findings)}; and {undecided[-1]}" if undecided else str(len(findings))
        return reporter.told(content, Decision.FINDINGS, told)
    if undecided:
        return reporter.told(content, Decision.UNDECIDED, undecided[-1])
    told = f"{', '.join(implementations)} under {', '.join(tools)}"
    return reporter.told(content, Decision.CLEAN, told)


def show(report: SanitizerReport, reporter: Reporter) -> None:
    """Print what a tool found, and a line that sums it up."""
    implementations = dict.fromkeys(examined.implementation for examined in report.examined)
    for implementation in implementations:
        if len(implementations) > 1:
            reporter.say(f"{implementation}:", "")
        for finding in report.findings_on(implementation):
            reporter.say(str(finding), "")
    for reason in report.undecided:
        reporter.say(f"{report.tool}: could not decide: {reason}", "")
    verdict = "clean" if report.is_clean else counted(len(report.findings), "finding")
    reporter.say(f"{report.tool}: {len(report.examined)} cases in {report.seconds:.0f} s: {verdict}", "")
