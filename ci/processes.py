"""The one protocol between a job and the processes that it starts.

A job starts `python -m MODULE`, writes one order, a line of JSON, to its standard input, and reads messages from its
standard output: lines of JSON behind a mark that is drawn anew for each process, so that nothing that examined code
prints is taken for one. Other lines are that code's, or a tool's; standard error goes to a log below `.gate/`.

The process runs its work through `serve`, which sends the last message: that all is done, or the error. An error that
is `Foreseen` arrives as its sentence, any other with its class.

Nobody outlives anybody: the process has a session of its own, which ends with it; and the pipe that its order came
through stays open, so that it ends when the job does, however that ends.
"""

import json
import math
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

from tests import ROOT
from tests.calls.errors import Foreseen, exception_line, short
from tests.calls.text import harmless

Message = dict[str, Any]
OnStep = Callable[[str, int, int], None]
"""Gets what is begun, how much is done, and of how much."""

FOLDER = ROOT / ".gate"
_MARK = "GATE_MESSAGE_MARK"
"""Environment variable that tells a process its mark."""


class CannotRun(Foreseen):
    """A process could not do its work."""


class TookTooLong(CannotRun):
    """A process was ended because its time was up."""


def tell(**message: Any) -> None:
    """Send a message to the job that started this process."""
    sys.stdout.flush()
    # A line of its own, whatever stands unfinished before it, and written at once.
    left = f"\n{_mark()}{json.dumps(message)}\n".encode()
    while left:
        left = left[os.write(_output(), left) :]


def serve(work: Callable[[Any], None]) -> None:
    """Read the order, do the work, tell the end, and exit.

    Without an order, nobody needs the work any more, and nothing is done.
    """
    is_started_by_a_job = _MARK in os.environ
    _mark()
    _output()
    sys.path.append(os.getcwd())  # implementations may be named from where the user stands
    if not (line := sys.stdin.readline()):
        return
    if is_started_by_a_job:
        _end_with_the_job()
    status = 0
    try:
        work(json.loads(line))
    except Foreseen as error:
        tell(error=str(error))
    except BaseException as error:
        traceback.print_exc()
        sys.stderr.flush()
        tell(error=short(error))
        status = 1
    else:
        tell(end=True)
    sys.stderr.flush()
    # Whatever examined code does at exit is not the question.
    os._exit(status)


def told_by(module: str, log: str, order: Any, on_step: OnStep, **options: Any) -> list[Message]:
    """Return what a process of its own tells but for its steps, `{"step", "done", "of"}`, which `on_step` gets.

    The other arguments are those of `Process`.

    Raises:
        CannotRun: with why.
    """
    told = []
    with Process(module, log, **options) as process:
        for message in process.messages(order):
            if "step" in message:
                on_step(message["step"], message["done"], message["of"])
            else:
                told.append(message)
    return told


def understood(line: str, mark: str) -> Message | str:
    """Return the message that a line is, or else the line, without its end."""
    if line.startswith(mark):
        with suppress(ValueError):  # the process ended while it wrote
            message = json.loads(line.removeprefix(mark))
            if isinstance(message, dict):
                return message
    return line.rstrip("\n")


def _mark(taken: list[str] = []) -> str:  # noqa: B006 - kept from the first call on, out of the environment
    if not taken:
        taken.append(os.environ.pop(_MARK, "@@ "))
    return taken[0]


def _output(kept: list[int] = []) -> int:  # noqa: B006 - kept from the first call on, whatever becomes of stdout
    if not kept:
        kept.append(os.dup(1))
    return kept[0]


def _end_with_the_job() -> None:
    """End this process, and all in its session, when the job's end of standard input is closed."""
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # examined code that reads there finds the end
    os.close(nothing)

    def wait() -> None:
        os.read(pipe, 1)
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


class Process:
    """A process that waits for its order: until then it may import, and leaves the GPU alone. A context manager.

    Args:
        module: what is run.
        log: name of the file below `.gate/` that gets its standard error.
        environment: variables that are other than here; None leaves one out.
        before: words of the command line before Python's, such as those of a tool that runs it.
        patience: seconds that it may say nothing; may be changed.
        limit: seconds that it may take from its order on.
    """

    def __init__(
        self,
        module: str,
        log: str,
        *,
        environment: Mapping[str, str | None] | None = None,
        before: Sequence[str] = (),
        patience: float = math.inf,
        limit: float = math.inf,
    ) -> None:
        self._mark = f"@@{secrets.token_hex(8)} "
        self.patience, self._limit = patience, limit
        self._began = self._heard = 0.0
        self._late = ""
        self._is_over = threading.Event()
        # Into a file: a pipe that nobody empties would stop a process that has much to say there.
        self._errors = _new_log(log)
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        changed = {**os.environ, "PYTHONPATH": path, **(environment or {}), _MARK: self._mark}
        self._process = subprocess.Popen(
            # -P: a folder `tests` or `ci` where the user stands must not be taken for the project's.
            [*before, sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
            errors="replace",
            env={name: value for name, value in changed.items() if value is not None},
            start_new_session=True,
        )
        self._follower = threading.Thread(target=self._end_what_it_started, daemon=True)
        self._follower.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def messages(self, order: Any) -> Iterator[Message]:
        """Give the order, and yield what it tells, until it says that this was all.

        Raises:
            CannotRun: it could not do its work, ended before it said that this was all, or took too long.
        """
        for heard in self.lines(order, until_closed=False):
            if isinstance(heard, dict):
                yield heard

    def lines(self, order: Any, *, until_closed: bool = True) -> Iterator[Message | str]:
        """Give the order, and yield messages and all other lines of its standard output.

        Args:
            order: what it is to do.
            until_closed: whether to go on until that is closed, and not only until it says that this was all.

        Raises:
            CannotRun: as `messages`.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended, and its last words say why
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        self._began = self._heard = time.monotonic()
        threading.Thread(target=self._keep_time, daemon=True).start()
        has_ended, error = False, None
        for line in self._process.stdout:
            self._heard = time.monotonic()
            heard = understood(line, self._mark)
            if isinstance(heard, dict) and "error" in heard:
                error = heard["error"]
            elif heard == {"end": True}:
                has_ended = True
                if not until_closed:
                    return
            else:
                yield heard
        if error is not None:
            raise CannotRun(error)
        if not has_ended:
            raise self._why_it_ended()

    def close(self) -> None:
        """End it, if it has not ended, with all that it started."""
        self._kill()
        self._is_over.set()
        self._follower.join()
        self._process.wait()
        if not self._errors.closed:
            self._errors.seek(0)
            said = harmless(self._errors.read())
            self._errors.seek(0)
            self._errors.truncate()
            self._errors.write(said)
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            with suppress(BrokenPipeError):  # an order that it did not read
                if pipe is not None:
                    pipe.close()

    def _keep_time(self) -> None:
        while (left := min(self._heard + self.patience, self._began + self._limit) - time.monotonic()) > 0:
            if self._is_over.wait(None if left == math.inf else left):
                return
        is_silent = self._heard + self.patience < self._began + self._limit
        said_nothing = f"the process said nothing for {self.patience:g} s"
        self._late = said_nothing if is_silent else f"the process was not done after {self._limit:g} s"
        self._kill()

    def _end_what_it_started(self) -> None:
        """Wait for its end, and end what is left in its session: it would keep the output open, or the GPU busy."""
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self._kill()

    def _kill(self) -> None:
        # Until it is waited for, nobody else can have its number.
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _why_it_ended(self) -> CannotRun:
        self._follower.join()
        status = self._process.wait()
        self._is_over.set()
        if self._late:
            return TookTooLong(self._late)
        self._errors.seek(0)
        said = exception_line(self._errors.read()) or "nothing on stderr"
        signals = {-member.value: f"was ended by {member.name}" for member in signal.Signals}
        unknown = f"was ended by signal {-status}" if status < 0 else f"exited with status {status}"
        return CannotRun(f"the process {signals.get(status, unknown)}: {said}")


def _new_log(name: str) -> Any:
    """Return a new file below `.gate/`; an earlier one of that name may still be written to, by another job."""
    try:
        FOLDER.mkdir(exist_ok=True)
        handle, path = tempfile.mkstemp(dir=FOLDER, prefix=f".{name}.")
    except OSError:  # the project may lie where nobody may write
        return tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
    os.replace(path, FOLDER / name)
    return os.fdopen(handle, "w+", encoding="utf-8", errors="replace")
