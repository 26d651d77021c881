"""The one protocol between a job and the processes that it starts.

A job starts `python -m MODULE`, writes one order, a line of JSON, to its standard input, and reads messages from its
standard output: lines of JSON behind a mark that is drawn anew for each process, so that nothing that examined code
prints is taken for one. Other lines are that code's, or a tool's; standard error goes to a log below `.gate/`.

The process runs its work through `serve`, which sends the last message: that all is done, or the error. An error that
is `Foreseen` arrives as its sentence, any other with its class.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

from tests import ROOT
from tests.calls.errors import Foreseen, short

Message = dict[str, Any]

FOLDER = ROOT / ".gate"
_MARK = "GATE_MESSAGE_MARK"
"""Environment variable that tells a process its mark."""


class CannotRun(Foreseen):
    """A process could not do its work."""


def tell(**message: Any) -> None:
    """Send a message to the job that started this process."""
    sys.stdout.flush()
    # A line of its own, whatever stands unfinished before it, and written at once.
    os.write(sys.stdout.fileno(), f"\n{_mark()}{json.dumps(message)}\n".encode())


def serve(work: Callable[[Any], None]) -> None:
    """Read the order, do the work, tell the end, and exit.

    Without an order, nobody needs the work any more, and nothing is done.
    """
    _mark()
    sys.path.append(os.getcwd())  # implementations may be named from where the user stands
    if not (line := sys.stdin.readline()):
        return
    try:
        work(json.loads(line))
    except Foreseen as error:
        tell(error=str(error))
    except Exception as error:
        tell(error=short(error))
        raise
    else:
        tell(end=True)
    sys.stderr.flush()
    # Whatever examined code does at exit is not the question.
    os._exit(0)


def _mark(taken: list[str] = []) -> str:  # noqa: B006 - kept from the first call on, out of the environment
    if not taken:
        taken.append(os.environ.pop(_MARK, "@@ "))
    return taken[0]


class Process:
    """A process that waits for its order: until then it may import, and leaves the GPU alone. A context manager.

    Args:
        module: what is run.
        log: name of the file below `.gate/` that gets its standard error.
        environment: variables that are other than here; None leaves one out.
        before: words of the command line before Python's, such as those of a tool that runs it.
        patience: seconds that it may say nothing, or None for any number.
    """

    def __init__(
        self,
        module: str,
        log: str,
        *,
        environment: Mapping[str, str | None] | None = None,
        before: Sequence[str] = (),
        patience: float | None = None,
    ) -> None:
        self._mark = f"@@{secrets.token_hex(8)} "
        self._patience = patience
        self._is_late = False
        FOLDER.mkdir(exist_ok=True)
        # Into a file: a pipe that nobody empties would stop a process that has much to say there.
        self._errors = (FOLDER / log).open("w+", encoding="utf-8", errors="replace")
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        changed = {**os.environ, "PYTHONPATH": path, **(environment or {}), _MARK: self._mark}
        self._process = subprocess.Popen(
            # -P: a folder `tests` or `ci` where the user stands must not be taken for the project's.
            [*before, sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            errors="replace",
            env={name: value for name, value in changed.items() if value is not None},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def messages(self, order: Any) -> Iterator[Message]:
        """Give the order, and yield what it tells, until it says that this was all.

        Raises:
            CannotRun: it could not do its work, ended before it said that this was all, or said nothing for too long.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended, and its last words say why
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.close()
        timer = self._timer()
        for line in self._process.stdout:
            if timer is not None:
                timer.cancel()
                timer = self._timer()
            if not line.startswith(self._mark):
                continue
            message = json.loads(line.removeprefix(self._mark))
            if "error" in message:
                raise CannotRun(message["error"])
            if "end" in message:
                return
            yield message
        raise CannotRun(self._why_it_ended())

    def close(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            with suppress(BrokenPipeError):  # an order that it did not read
                if pipe is not None:
                    pipe.close()

    def _timer(self) -> threading.Timer | None:
        if self._patience is None:
            return None
        timer = threading.Timer(self._patience, self._end_late)
        timer.daemon = True
        timer.start()
        return timer

    def _end_late(self) -> None:
        self._is_late = True
        self._process.kill()

    def _why_it_ended(self) -> str:
        if self._is_late:
            return f"the process said nothing for {self._patience:g} s"
        status = self._process.wait()
        self._errors.seek(0)
        last = self._errors.read().strip().splitlines()[-1:] or ["nothing on stderr"]
        return f"the process {ending_told(status)}: {last[0]}"


def ending_told(status: int) -> str:
    """Return how a process ended, by its exit status as `subprocess` tells it: a signal's is negative."""
    if status >= 0:
        return f"exited with status {status}"
    known = {member.value: member.name for member in signal.Signals}
    return f"was ended by {known.get(-status, f'signal {-status}')}"
