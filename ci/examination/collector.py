"""The pytest plugin that turns what tests report into results of cases. It lives in the controller."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import pytest

from ci.reports.stopping import Stopped
from tests.calls.errors import exception_line
from tests.examine.examined import Examined
from tests.plugin import reporting


class Listener(Protocol):
    """Whoever shows the run while it goes on."""

    def expect(self, total: int) -> None:
        """Told how many tests there are, when that is known."""

    def show(self, result: Examined, done: int) -> None:
        """Told of each result, and how many there are by now."""


class Collector:
    """Collects the results of a run, and whatever goes wrong with it as a whole.

    Args:
        case_ids: the chosen cases.
        left_out: those of them that are not to be examined, with the reason.
        listener: told of each result.
        python: the command that stands for a worker's Python; none for this one.
    """

    def __init__(
        self, case_ids: Iterable[str], left_out: Mapping[str, str], listener: Listener, python: str | None = None
    ) -> None:
        self._case_ids = dict.fromkeys(case_ids)
        self._left_out = left_out
        self._listener = listener
        self._python = python
        self._expected: list[str] = []
        self._results: dict[str, Examined] = {}
        self.troubles: list[str] = []
        self.interrupted: str | None = None
        """Why the run was interrupted, if it was."""
        self._pytest_failed = False
        self._workers: list[Any] = []

    @property
    def any_unclean(self) -> bool:
        """Whether a test reported findings or no decision."""
        return any(result.is_unclean for result in self._results.values())

    def results(self, why_missing: str | None) -> list[Examined]:
        """Return the results in the order of collection; chosen cases without any are among them.

        Args:
            why_missing: why cases may have reported nothing, if that is as it should be; otherwise they are undecided.
        """

        def missing(case: str, what: str) -> Examined:
            return Examined(case, undecided=None if why_missing else what, not_run=why_missing)

        results = [
            self._results.get(nodeid)
            or missing(case_of(nodeid, self._case_ids), "a test was collected for it, but never reported")
            for nodeid in dict.fromkeys([*self._expected, *self._results])
        ]
        reported = {result.case for result in results}
        what = "no test examines it" if self._expected else "no test was collected for it"
        return results + [missing(case, what) for case in self._case_ids if case not in reported]

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[reporting.IS_LOOKED_AT] = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: list[Any]) -> None:
        for spec in specs:
            spec.python = self._python

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_newgateway(self, gateway: Any) -> None:
        self._workers.append(gateway._io.popen)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        if not self._expected:
            self._expected = [nodeid for nodeid in ids if not _has_no_case(nodeid)]
            self._listener.expect(len(self._expected))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if _has_no_case(report.nodeid) or (report.when in ("setup", "teardown") and report.passed):
            return
        case = case_of(report.nodeid, self._case_ids)
        # A teardown that fails, or a worker that dies after a test, adds to the test's own report.
        earlier = self._results.get(report.nodeid)
        result = added(examined(case, report, self._left_out.get(case)), earlier, report)
        self._results[report.nodeid] = merged(earlier, result) if earlier else result
        self._listener.show(result, len(self._results))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.troubles.append(f"{report.nodeid} could not be collected: {last_line(report)}")

    def pytest_internalerror(self, excrepr: object) -> None:
        if not self._pytest_failed:  # what fails after the first is its consequence
            self._pytest_failed = True
            said = re.sub(r"^E +", "", str(excrepr), flags=re.MULTILINE)
            self.troubles.append(f"pytest failed: {exception_line(said) or 'it says nothing'}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if isinstance(excinfo.value, Stopped):  # pytest-xdist would wait ten seconds for what its workers are doing
            for worker in self._workers:
                worker.kill()
        # pytest-xdist's own wish to stop is a subclass.
        if excinfo.type is KeyboardInterrupt or isinstance(excinfo.value, Stopped):
            self.interrupted = str(excinfo.value) or "interrupted"
        if isinstance(excinfo.value, pytest.exit.Exception):
            self.troubles.append(str(excinfo.value))


def _has_no_case(nodeid: str) -> bool:
    """Whether a test is only pytest's stand-in for one that no chosen case fits."""
    return nodeid.endswith("[NOTSET]")


def case_of(nodeid: str, case_ids: Collection[str]) -> str:
    """Return the id of the case that a test examines.

    A test without a case stands for one of its own: `tests/test_machine.py::test_variants` is the case
    `machine/test_variants`.
    """
    file, _, name = nodeid.partition("::")
    function, _, parameters = name.partition("[")
    parameters = parameters.removesuffix("]")
    # Other parameters of the test may stand before the case or after it.
    fitting = [case for case in case_ids if f"-{case}-" in f"-{parameters}-"]
    if fitting:
        return max(fitting, key=len)
    module = re.sub(r".*/|\.py$", "", file).removeprefix("test_").replace("_", "-")
    return f"{module}/{function}" + (f"[{parameters}]" if parameters else "")


def examined(case: str, report: pytest.TestReport, left_out: str | None = None) -> Examined:
    """Return what a test's report says about its case.

    Args:
        case: id of the case.
        report: one that is decisive.
        left_out: why the case is not to be examined, if that is so.
    """
    if report.skipped:
        reason = reporting.skip_reason(report)
        if reason == left_out:
            return Examined(case, not_run=reason)
        return Examined(case, undecided=f"left out by something else: {reason}")
    told = reporting.examined_of(report)
    if told is None or (report.failed and not told.is_unclean):
        failed = f"the harness failed: {last_line(report).removeprefix(f'{case}: ')}"
        what = failed if report.failed else "the test passed without an examination"
        return Examined(case, undecided=what)
    return replace(told, case=case)


def added(result: Examined, earlier: Examined | None, report: pytest.TestReport) -> Examined:
    """Return what a report says beyond an earlier one of the same test, whose properties it repeats."""
    if earlier is None:
        return result
    findings = tuple(finding for finding in result.findings if finding not in earlier.findings)
    is_told = findings or result.undecided not in (None, earlier.undecided)
    undecided = result.undecided if is_told else f"the harness failed: {last_line(report)}"
    return replace(result, findings=findings, undecided=undecided)


def merged(first: Examined, second: Examined) -> Examined:
    """Return what two reports of one test say together."""

    def both(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*getattr(first, name), *getattr(second, name)]))

    return replace(
        first,
        findings=first.findings + second.findings,
        undecided=first.undecided or second.undecided,
        not_run=first.not_run if second.not_run else None,
        refused=both("refused"),
        right=both("right"),
        notes=both("notes"),
    )


def last_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the line of a failure that says most: the exception's, or the last of its text."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else report.longreprtext
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "it says nothing"
    return lines[0] if crash is not None else lines[-1].removeprefix("E ").strip()
