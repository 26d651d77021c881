"""The pytest plugin that ends the workers of a run that is stopped. It lives in the controller."""

from typing import Any

import pytest

from ci.reports.stopping import Stopped


class Workers:
    """Knows the workers' processes. pytest-xdist would wait ten seconds for what they are doing."""

    def __init__(self) -> None:
        self._processes: list[Any] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_newgateway(self, gateway: Any) -> None:
        self._processes.append(gateway._io.popen)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if isinstance(excinfo.value, Stopped):
            for process in self._processes:
                process.kill()
