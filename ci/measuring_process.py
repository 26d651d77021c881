"""A process that measures on the GPU, as its parent sees it: started, listened to, and why it ended if it did so early.

It is `python -m MODULE`, reads its order from stdin, and prints messages, a line each; what it says on stderr goes to a
log below `.gate/`.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol, TypeVar

from tests import ROOT

FORESEEN = (
    "GpuAbsent",
    "GpuBusy",
    "HostTooSlow",
    "NoBase",
    "NoImplementation",
    "NotCapturable",
    "NotTimed",
    "WrongRows",
)
"""Errors of such processes whose text is a sentence for the user."""


class CannotMeasure(Exception):
    """The process could not measure; the text is a sentence for the user."""


class Told(Protocol):
    """What a process told."""

    has_ended: bool
    """Whether it said that this was all."""


Heard = TypeVar("Heard", bound=Told)


class MeasuringProcess:
    """A process that waits for its order: until then it may import, and leaves the GPU alone.

    Args:
        module: what is run.
        log: name of the file that gets its stderr.
    """

    def __init__(self, module: str, log: str) -> None:
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        folder = ROOT / ".gate"
        folder.mkdir(exist_ok=True)
        # Into a file: a pipe that nobody empties would stop a process that has much to say there.
        self._errors = (folder / log).open("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            # -P: a folder `tests` or `ci` where the user stands must not be taken for the project's.
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONPATH": path},
        )

    def run(self, order: str, listen: Callable[[Iterable[str]], Heard]) -> Heard:
        """Have it measure, and return what it told; it has ended then.

        Args:
            order: one line.
            listen: makes something of its lines.

        Raises:
            CannotMeasure: it ended before it said that this was all; or `listen` raised it.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            with suppress(BrokenPipeError):  # it has ended, and its last words say why
                self._process.stdin.write(order + "\n")
                self._process.stdin.close()
            heard = listen(self._process.stdout)
            self._process.wait()
            if not heard.has_ended:
                self._errors.seek(0)
                last = self._errors.read().strip().splitlines()[-1:] or ["nothing on stderr"]
                raise CannotMeasure(f"the measuring process ended with status {self._process.returncode}: {last[0]}")
        finally:
            self.close()
        return heard

    def close(self) -> None:
        """End it, if it has not ended."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            with suppress(BrokenPipeError):  # an order that it did not read
                if pipe is not None:
                    pipe.close()
