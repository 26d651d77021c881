"""The two processes that count: they run the user's code, one on Triton's interpreter and one with its compiler."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests import ROOT

COUNT, COMPILE = "ci.cost.count_child", "ci.cost.compile_child"
PATIENCE_SECONDS = 300.0
"""How long a process may say nothing; some implementations compile extensions when they are imported."""
LINES_OF_ERRORS = 3

Message = dict[str, Any]


class CannotCount(Exception):
    """There is nothing to count, or a process did not come to its end; the text is a sentence for the user."""


def count(implementation: str, on_message: Callable[[Message], None], workloads: Sequence[str] = ()) -> Message:
    """Count an implementation's calls on the interpreter, and return the last message.

    Args:
        implementation: as `--impl` names it.
        on_message: gets each message.
        workloads: names of those of `tests.cases.cost_workloads` to count, all if there are none.

    Raises:
        CannotCount: the implementation is not to be had, or ended the process.
    """
    messages = _converse(COUNT, [implementation, *workloads], {"TRITON_INTERPRET": "1"}, "", on_message)
    if "calls" not in messages[-1]:
        raise CannotCount(f"--impl {implementation}: the counting process told nothing")
    return messages[-1]


def compile_(implementation: str, variants: list[Message], on_message: Callable[[Message], None]) -> list[Message]:
    """Compile variants for all targets, and return what was told about each.

    Raises:
        CannotCount: the implementation is not to be had where Triton compiles, or ended the process.
    """
    # Code is compiled anew each time, and without line numbers: neither an old cache nor a comment changes a figure.
    with tempfile.TemporaryDirectory(prefix="cost-") as cache:
        environment = {"TRITON_CACHE_DIR": cache, "TRITON_DISABLE_LINE_INFO": "1"}
        messages = _converse(COMPILE, [implementation], environment, json.dumps(variants), on_message)
    return [message for message in messages if "compiled" in message]


def _converse(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    given: str,
    on_message: Callable[[Message], None],
) -> list[Message]:
    messages: list[Message] = []
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        with _process(module, arguments, environment, errors) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(given)
                process.stdin.close()
            except BrokenPipeError:
                pass  # It ended before it read; its status and its errors say why.
            with _patience(process) as patience:
                for line in process.stdout:
                    patience.renew()
                    messages.append(json.loads(line))
                    on_message(messages[-1])
                status = process.wait()
        if patience.is_over:
            raise CannotCount(f"--impl {arguments[0]}: nothing was heard for {PATIENCE_SECONDS:g} s")
        if status or not messages:
            errors.seek(0)
            last = " | ".join(errors.read().strip().splitlines()[-LINES_OF_ERRORS:]) or "nothing on stderr"
            raise CannotCount(f"--impl {arguments[0]}: {module} exited with status {status}: {last}")
    if "error" in messages[-1]:
        raise CannotCount(messages[-1]["error"])
    return messages


@contextmanager
def _process(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], errors: Any
) -> Iterator[subprocess.Popen[str]]:
    # Nothing that the user set for Triton, nor a GPU that happens to be there, may change a figure.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRITON_")}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")]), os.getcwd()])
    process = subprocess.Popen(
        # -P: a folder `tests` or `ci` where the user stands must not be taken for the project's.
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        errors="replace",
        env={**kept, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": path, **environment},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class _Patience:
    """Ends a process that says nothing for too long."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.is_over = False
        self._process = process
        self._timer: threading.Timer | None = None

    def renew(self) -> None:
        """Start to wait anew."""
        self.stop()
        self._timer = threading.Timer(PATIENCE_SECONDS, self._end)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """Wait no longer."""
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        self.is_over = True
        self._process.kill()


@contextmanager
def _patience(process: subprocess.Popen[str]) -> Iterator[_Patience]:
    patience = _Patience(process)
    patience.renew()
    try:
        yield patience
    finally:
        patience.stop()
