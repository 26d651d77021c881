"""The pytest plugin that turns what tests report into results of cases. It lives in the controller."""

import re
from collections.abc import Collection, Iterable
from typing import Any, Protocol

import pytest

from ci.reports.stopping import Stopped
from tests.examine.examined import Examined
from tests.plugin import reporting


class Listener(Protocol):
    """Whoever shows the run while it goes on."""

    def expect(self, total: int) -> None:
        """Told how many tests there are, when that is known."""

    def show(self, result: Examined, done: int) -> None:
        """Told of each result, and how many there are by now."""


class Collector:
    """Collects the results of a run, and whatever goes wrong with it as a whole."""

    def __init__(self, case_ids: Iterable[str], listener: Listener) -> None:
        self._case_ids = set(case_ids)
        self._listener = listener
        self._expected: list[str] = []
        self._results: dict[str, Examined] = {}
        self.troubles: list[str] = []
        self.interrupted = ""
        """Why the run was interrupted, if it was."""
        self._pytest_failed = False

    @property
    def reported(self) -> list[Examined]:
        """What was reported by now."""
        return list(self._results.values())

    def results(self, why_missing: str | None) -> list[Examined]:
        """Return the results in the order of collection.

        Args:
            why_missing: why tests that were collected may have reported nothing, if that is as it should be;
                otherwise they are undecided.
        """
        undecided = None if why_missing else "collected, but it never reported"
        results = [
            self._results.get(nodeid)
            or Examined(case_of(nodeid, self._case_ids), undecided=undecided, not_run=why_missing)
            for nodeid in dict.fromkeys([*self._expected, *self._results])
        ]
        if self._expected:
            uncollected = self._case_ids - {result.case for result in results}
            results += [Examined(case, undecided="no test examines it") for case in sorted(uncollected)]
        return results

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        if not self._expected:
            self._expected = [nodeid for nodeid in ids if not _has_no_case(nodeid)]
            self._listener.expect(len(self._expected))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if _has_no_case(report.nodeid) or (report.when in ("setup", "teardown") and report.passed):
            return
        result = examined(case_of(report.nodeid, self._case_ids), report)
        # A teardown that fails, or a worker that dies after a test, adds to the test's own report.
        earlier = self._results.get(report.nodeid)
        self._results[report.nodeid] = merged(earlier, result) if earlier else result
        self._listener.show(result, len(self._results))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.troubles.append(f"{report.nodeid} could not be collected: {last_line(report)}")

    def pytest_internalerror(self, excrepr: object) -> None:
        if not self._pytest_failed:  # what fails after the first is its consequence
            self._pytest_failed = True
            self.troubles.append(f"pytest failed: {_error_in(str(excrepr))}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # pytest-xdist's own wish to stop is a subclass.
        if excinfo.type is KeyboardInterrupt or isinstance(excinfo.value, Stopped):
            self.interrupted = str(excinfo.value) or "interrupted"
        if isinstance(excinfo.value, pytest.exit.Exception):
            self.troubles.append(str(excinfo.value))


def _has_no_case(nodeid: str) -> bool:
    """Whether a test is only pytest's stand-in for one that no chosen case fits."""
    return nodeid.endswith("[NOTSET]")


def _error_in(text: str) -> str:
    """Return the line of a traceback that names the exception, or its last line."""
    lines = [line.removeprefix("E").strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"[\w.]+(Error|Exception|Exit|Interrupt|Warning)\b.*:", line)]
    return (named or lines or ["it says nothing"])[-1]


def case_of(nodeid: str, case_ids: Collection[str]) -> str:
    """Return the id of the case that a test examines.

    A test without a case stands for one of its own: `tests/test_machine.py::test_variants` is the case
    `machine/test_variants`.
    """
    file, _, name = nodeid.partition("::")
    function, _, parameters = name.partition("[")
    parameters = parameters.removesuffix("]")
    if parameters in case_ids:
        return parameters
    # Other parameters of the test may stand before the case or after it.
    parts = parameters.split("-")
    for start in range(len(parts)):
        for end in range(len(parts), start, -1):
            if "-".join(parts[start:end]) in case_ids:
                return "-".join(parts[start:end])
    module = re.sub(r".*/|\.py$", "", file).removeprefix("test_").replace("_", "-")
    return f"{module}/{function}" + (f"[{parameters}]" if parameters else "")


def examined(case: str, report: pytest.TestReport) -> Examined:
    """Return what a test's decisive report says about its case."""
    if report.skipped:
        return Examined(case, not_run=reporting.skip_reason(report))
    findings = tuple(reporting.findings_of(report))
    if report.failed and not findings:
        return Examined(case, undecided=f"the harness failed: {last_line(report)}")
    return Examined(case, findings)


def merged(first: Examined, second: Examined) -> Examined:
    """Return what two reports of one test say together."""
    return Examined(
        first.case,
        first.findings + second.findings,
        first.undecided or second.undecided,
        first.not_run if second.not_run else None,
    )


def last_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the line of a failure that says most: the exception's, or the last of its text."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else report.longreprtext
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "it says nothing"
    return lines[0] if crash is not None else lines[-1].removeprefix("E ").strip()
