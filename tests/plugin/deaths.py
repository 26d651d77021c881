"""The deaths of a run's workers, as pytest-xdist's controller learns of them: each becomes the report of one test."""

from pathlib import Path
from typing import Any

import pytest

from tests.examine import replay
from tests.plugin import post_mortem, reporting
from tests.plugin.post_mortem import Death
from tests.plugin.time_keeper import TimeKeeper

SECONDS_TO_END = 60
"""How long a dead worker's process may take to be gone: a GPU's driver clears up after a hung kernel first."""


class Deaths:
    """Turns the death of a worker into a report on the test that it is blamed on.

    pytest-xdist blames the test that the worker would have had to finish next. That is wrong for a worker that dies
    between two tests: there the next one is put back among those to run, and the report is about the one before.

    Args:
        config: of the controller.
        traces: the folder of the workers' traces.
    """

    def __init__(self, config: pytest.Config, traces: Path) -> None:
        self._config = config
        self._traces = traces
        self._time = TimeKeeper(traces, config.getoption("--case-timeout"))
        self._untold: dict[str, Death] = {}
        self._idle_in_a_row = 0

    def watch(self, node: Any) -> None:
        """Look after a worker that is about to start."""
        self._time.watch(node.gateway.id)

    def stop(self) -> None:
        """Look after no worker any more."""
        self._time.stop()

    def worker_died(self, node: Any) -> None:
        """Judge a death.

        Raises:
            pytest.exit.Exception: there is nothing to examine, or one worker after the other died before it got
                anywhere, and more would follow.
        """
        is_late = self._time.leave(node.gateway.id)
        trace = self._traces / f"{node.gateway.id}.json"
        remains = post_mortem.remains_of(trace, _exit_status(node), is_late=is_late)
        if refusal := remains.trace.get("refusal"):
            pytest.exit(refusal, returncode=pytest.ExitCode.USAGE_ERROR)
        death = post_mortem.judge(remains, self._config.getoption("--case-timeout"))
        self._untold[node.gateway.id] = death
        self._idle_in_a_row = self._idle_in_a_row + 1 if death.is_idle else 0
        if self._idle_in_a_row >= post_mortem.IDLE_DEATHS_IN_A_ROW:
            pytest.exit(
                f"{self._idle_in_a_row} workers in a row died before they had finished a test: {death.message}",
                returncode=pytest.ExitCode.INTERNAL_ERROR,
            )

    def test_lost(self, nodeid: str, report: pytest.TestReport, scheduler: Any) -> None:
        """Put what is known into the report on the test that a worker left unfinished.

        Args:
            nodeid: the test, as pytest-xdist sees it.
            report: pytest-xdist's report, which is about to be sent.
            scheduler: pytest-xdist's scheduler.
        """
        node: Any = report.node  # pytest-xdist's controller of the worker
        death = self._untold.pop(node.gateway.id, None)
        if death is None:  # the user interrupted it
            return
        if death.blamed and death.blamed != nodeid:
            scheduler.mark_test_pending(nodeid)
        _tell(death, report)
        report.longrepr = "\n".join([death.message, *self._ways_to_see_more(death)])
        self._count_towards_maxfail()

    def _ways_to_see_more(self, death: Death) -> list[str]:
        """Return the commands that name the tensor and the line of an access that lost the GPU."""
        start = replay.start_from(self._config.invocation_params.dir)
        return [
            "which tensor, and which line: "
            + replay.line(
                start,
                self._config.stash[reporting.SELECTION],
                finding.case,
                ("sanitize", "--tool", "memcheck"),
                replay.SANITIZER_FLAGS,
            )
            for finding in (death.examined.findings if death.examined else ())
            if finding.details.get("device_lost")
        ]

    def tell_the_rest(self) -> bool:
        """Report the deaths of workers that left no test unfinished; return whether there were any."""
        were_any = bool(self._untold)
        for death in self._untold.values():
            if death.blamed:
                report = pytest.TestReport(death.blamed, ("", None, ""), {}, "failed", None, "teardown")
                _tell(death, report)
                self._config.hook.pytest_runtest_logreport(report=report)
                self._count_towards_maxfail()
        self._untold.clear()
        return were_any

    def _count_towards_maxfail(self) -> None:
        # pytest-xdist counts only what living workers report.
        session: Any = self._config.pluginmanager.getplugin("dsession")
        session.countfailures += 1
        if session.maxfail and session.countfailures >= session.maxfail and not session.shouldstop:
            session.shouldstop = f"stopping after {session.countfailures} failures"


def _tell(death: Death, report: pytest.TestReport) -> None:
    if death.blamed and death.blamed != report.nodeid:
        file = death.blamed.partition("::")[0]
        report.nodeid, report.location, report.when = death.blamed, (file, None, death.blamed), "teardown"
    report.longrepr = death.message
    if death.examined:
        report.user_properties = [reporting.carried(death.examined)]


def _exit_status(node: Any) -> int | None:
    process = getattr(getattr(node.gateway, "_io", None), "popen", None)
    if process is None:
        return None
    try:
        return process.wait(timeout=SECONDS_TO_END)
    except Exception:  # a process of another host or kind has no status to tell
        return None
