"""The process in which Triton compiles, as the process in which it interprets sees it."""

import json
import os
import select
import subprocess
import sys
from contextlib import suppress
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
        self._requests: Any = None
        self._answers: Any = None

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer; see `child`.

        Raises:
            CannotAsk: with why.
        """
        try:
            if self._process is None:
                self._start()
            self._send(request)
            answer = self._line(str(request["file"]))
        except (OSError, ValueError) as error:
            self.close()
            raise CannotAsk(f"the process that compiles {request['file']} ended: {error}") from error
        if "error" in answer:
            raise CannotAsk(f"whether a kernel compiles cannot be told: {answer['error']}")
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            with suppress(BrokenPipeError):  # what it has not read is lost with it
                self._requests.close()
            self._answers.close()
            self._process.kill()
            self._process.wait()
            self._process = None

    def _start(self) -> None:
        to_child, requests = os.pipe()
        answers, from_child = os.pipe()
        environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.instruments.compiles.child", str(to_child), str(from_child)],
            env=environment,
            pass_fds=(to_child, from_child),
            # What examined code prints when it is imported, it has printed in this process.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_child)
        os.close(from_child)
        self._requests = os.fdopen(requests, "w", encoding="utf-8")
        self._answers = os.fdopen(answers, encoding="utf-8")
        self._send({"path": sys.path, "implementation": self._implementation})

    def _send(self, what: Any) -> None:
        self._requests.write(json.dumps(what) + "\n")
        self._requests.flush()

    def _line(self, about: str) -> dict[str, Any]:
        ready, _, _ = select.select([self._answers], [], [], SECONDS)
        if not ready:
            self.close()
            raise CannotAsk(f"compiling a kernel of {about} takes more than {SECONDS} s")
        return json.loads(self._answers.readline())
