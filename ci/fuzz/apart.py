"""Examines rows in a process that may die: what kills it, or hangs it, is a row that was examined like any other.

The process is forked from one that has imported all and examined nothing, so that a new one is cheap, and as fresh as
one that was started. It leaves a trace, as the workers of the examination do, from which its death is judged.
"""

import multiprocessing
import os
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

from ci.processes import CannotRun
from tests.calls.errors import Foreseen, short
from tests.calls.implementations import load_implementation
from tests.cases.case import Case
from tests.cases.rows import of_row, row
from tests.examine.examined import Examined
from tests.examine.selection import Selection
from tests.plugin.containment import Trace
from tests.plugin.deaths import SECONDS_TO_END
from tests.plugin.examiner import Examiner
from tests.plugin.post_mortem import judge, remains_of
from tests.plugin.time_keeper import ALARM, GRACE_SECONDS

HUNG_SECONDS = 100.0
"""What a row may take. Where rows that are right take long, one that takes longer counts as slow, and not as hung."""
START_SECONDS = 300.0
"""What a process may take until it can examine: it imports the implementation."""
_READY = {"ready": True}


class Apart:
    """Examines in a process of its own, and in another after its death. A context manager.

    Args:
        selection: of the run; its device is `cpu` or `cuda`, and on the latter this process has not used the GPU.
        trace: file that the processes leave their traces in; those beside it are of others with this implementation.
        hung_seconds: what a row may take.
    """

    def __init__(self, selection: Selection, trace: Path, hung_seconds: float = HUNG_SECONDS) -> None:
        self._selection, self._trace, self._hung_seconds = selection, trace, hung_seconds
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Self:
        # Before the first fork, so that no process imports it again.
        import tests.examine.checking
        import tests.examine.examination  # noqa: F401

        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def alone(self, case: Case) -> Examined:
        """Examine a case in a process that has examined nothing before; see `examine`."""
        self._end()
        return self.examine(case)

    def examine(self, case: Case) -> Examined:
        """Examine a case; what kills the process, or takes too long, is judged as in the examination.

        Raises:
            CannotRun: there is nothing to examine, or the harness failed.
        """
        if self._process is None:
            self._start()
        told, is_late = self._heard(row(case), self._hung_seconds)
        if told is not None:
            return Examined.from_json(told)
        remains = remains_of(self._trace, self._end(is_late=is_late), is_late=is_late)
        death = judge(remains, self._hung_seconds)
        return death.examined or Examined(case.id, undecided=death.message)

    def _start(self) -> None:
        fork = multiprocessing.get_context("fork")
        self._pipe, theirs = fork.Pipe()
        self._process = fork.Process(target=_serve, args=(theirs, self._selection, self._trace), daemon=True)
        self._process.start()
        theirs.close()  # so that its end is heard
        told, is_late = self._heard(None, START_SECONDS)
        if told != _READY:
            status = self._end(is_late=is_late)
            how = f"took more than {START_SECONDS:g} s" if is_late else f"ended the process with status {status}"
            raise CannotRun(f"--impl {self._selection.implementation}: importing it {how}")

    def _heard(self, text: str | None, seconds: float) -> tuple[dict[str, Any] | None, bool]:
        """Return what the process answers, or None where it has died or is late, and whether it is late."""
        assert self._pipe is not None
        try:
            if text is not None:
                self._pipe.send(text)
            if not self._pipe.poll(seconds):
                return None, True
            told = self._pipe.recv()
        except (EOFError, OSError):
            return None, False
        if "error" in told:
            self._end()
            raise CannotRun(told["error"])
        return told, False

    def _end(self, *, is_late: bool | None = None) -> int | None:
        """End the process, if there is one, and return how it ended.

        Args:
            is_late: of one that tells no more, whether it hangs: then it writes first where it is.
        """
        if self._process is None or self._pipe is None:
            return None
        if is_late and self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, ALARM)
        if is_late is not None:
            self._process.join(GRACE_SECONDS if is_late else SECONDS_TO_END)
        self._process.kill()
        self._process.join()
        status = self._process.exitcode
        self._pipe.close()
        self._process = self._pipe = None
        return status


def _serve(pipe: Connection, selection: Selection, trace: Path) -> None:
    """Examine what comes through the pipe, until it is closed."""
    try:
        _examine_all(pipe, selection, Trace(trace))
    except Foreseen as error:
        pipe.send({"error": str(error)})
    except Exception as error:
        traceback.print_exc()
        pipe.send({"error": short(error)})


def _examine_all(pipe: Connection, selection: Selection, trace: Trace) -> None:
    from tests.examine.call import DeviceLost

    with Examiner(load_implementation(selection.implementation), selection, trace) as examiner:
        pipe.send(_READY)
        while True:
            try:
                text = pipe.recv()
            except EOFError:
                return
            trace.begin(text)
            try:
                examined = examiner.examine(of_row(text))
            except DeviceLost:
                trace.die()
            trace.end()
            pipe.send(examined.as_json())
