"""The process in which Triton compiles, as the process in which it interprets sees it."""

import os
import subprocess
import sys
from multiprocessing import Pipe
from typing import Any

from tests import ROOT
from tests.calls.errors import Foreseen

SECONDS = 120
"""For one variant, the start of the process included."""


class CannotAsk(Foreseen):
    """Whether a variant compiles cannot be told."""


class Helper:
    """Starts the process at the first request, and ends it with `close`; it ends by itself when this process does.

    Args:
        implementation: whose kernels are asked about, as `--impl` names it.
    """

    def __init__(self, implementation: str) -> None:
        self._implementation = implementation
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Any = None

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer; see `child`.

        Raises:
            CannotAsk: with why.
        """
        try:
            if self._process is None:
                self._start()
            self._connection.send(request)
            if not self._connection.poll(SECONDS):
                self.close()
                raise CannotAsk(f"compiling a kernel of {request['file']} takes more than {SECONDS} s")
            answer = self._connection.recv()
        except (OSError, EOFError) as error:
            self.close()
            raise CannotAsk(f"the process that compiles {request['file']} ended: {error}") from error
        if "error" in answer:
            raise CannotAsk(f"whether a kernel compiles cannot be told: {answer['error']}")
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._connection.close()
            self._process.kill()
            self._process.wait()
            self._process = None

    def _start(self) -> None:
        self._connection, its = Pipe()
        environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.instruments.compiles.child", str(its.fileno())],
            env=environment,
            pass_fds=[its.fileno()],
            # What examined code prints when it is imported, it has printed in this process.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        its.close()
        self._connection.send({"path": sys.path, "implementation": self._implementation})
