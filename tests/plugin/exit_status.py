"""The exit status of a run in which pytest itself failed: some versions of pytest and pytest-xdist end it with 0."""

from collections.abc import Generator
from typing import Any

import pytest

from tests.plugin.deaths import Deaths

_MILDER = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


class ExitStatus:
    """A plugin of the controller.

    Args:
        deaths: of the run's workers.
    """

    def __init__(self, deaths: Deaths) -> None:
        self._deaths = deaths
        self._has_failed = False

    def pytest_internalerror(self) -> None:
        """Note an error of pytest's own, or of a plugin, here or in a worker."""
        self._has_failed = True

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Note how a worker's own run of pytest ended."""
        if not error:
            self._has_failed |= node.workeroutput["exitstatus"] == pytest.ExitCode.INTERNAL_ERROR

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """Tell the last deaths, and have the exit status say what went wrong."""
        self._has_failed |= self._deaths.tell_the_rest()
        yield
        if self._has_failed and session.exitstatus in _MILDER:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


class WorkerStatus:
    """A plugin of a worker: pytest-xdist tells how a worker ended before it learns that its last hook failed."""

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """Have the worker tell what its last hooks raised as an error of its run."""
        try:
            yield
        except BaseException:
            session.config.workeroutput["exitstatus"] = int(pytest.ExitCode.INTERNAL_ERROR)  # type: ignore[attr-defined]
            raise
