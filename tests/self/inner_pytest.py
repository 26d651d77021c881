"""Runs pytest on the project's tests in a process of its own, and tells what each test came to.

As a plugin of the inner run, this module writes each report as a line of JSON.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from tests import ROOT
from tests.examine.finding import Finding
from tests.plugin import reporting

REPORTS = "INNER_PYTEST_REPORTS"


@dataclass(frozen=True)
class Ended:
    """What one test came to."""

    outcome: str
    """`passed`, `failed` or `skipped`; failed if any of its reports is."""
    findings: tuple[Finding, ...]
    text: str
    """Of the failure or skip."""


@dataclass(frozen=True)
class InnerRun:
    """A pytest run that is over."""

    status: int
    verdicts: Mapping[str, Ended]
    """By what stands in brackets in the test's id, or by the id where nothing does."""
    output: str
    seconds: float
    reports: Sequence[Mapping[str, object]] = field(repr=False, default=())


def run_pytest(
    *arguments: str, folder: Path, environment: Mapping[str, str] = MappingProxyType({}), timeout: float = 300
) -> InnerRun:
    """Run pytest with the given arguments in the project's root.

    Args:
        arguments: of its command line.
        folder: for the run's reports.
        environment: what differs from this process's.
        timeout: seconds after which it is ended.

    Raises:
        AssertionError: it took longer; with the end of its output.
    """
    reports_file = folder / "reports.jsonl"
    reports_file.unlink(missing_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", __name__, "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**inherited, **environment, REPORTS: str(reports_file)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the workers too
        output, _ = process.communicate()
        raise AssertionError(f"pytest did not end in {timeout:g} s:\n{output[-4000:]}") from None
    seconds = time.perf_counter() - start
    reports = []
    if reports_file.exists():
        reports = [json.loads(line) for line in reports_file.read_text(encoding="utf-8").splitlines()]
    return InnerRun(process.returncode, _verdicts(reports), output, seconds, reports)


def _verdicts(reports: Sequence[Mapping[str, str]]) -> dict[str, Ended]:
    verdicts: dict[str, Ended] = {}
    for report in reports:
        name = report["nodeid"].partition("[")[2].removesuffix("]") or report["nodeid"]
        before = verdicts.get(name)
        if before is None or (before.outcome == "passed" and report["outcome"] != "passed"):
            found = tuple(Finding.from_json(finding) for finding in report["findings"])  # type: ignore[arg-type]
            verdicts[name] = Ended(report["outcome"], found, report["text"])
    return verdicts


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write a report, in the controller only: it gets those of all workers."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    line = {
        "nodeid": report.nodeid,
        "when": report.when,
        "outcome": report.outcome,
        "findings": [finding.as_json() for finding in reporting.findings_of(report)],
        "text": report.longreprtext,
        "worker": getattr(report, "worker_id", None),
    }
    with Path(os.environ[REPORTS]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
