"""A process that measures on the GPU, as its parent sees it: started, listened to, and why it ended if it did so early.

It is `python -m MODULE ORDER`, and prints messages a line each; what it says on stderr goes to a log below `.gate/`.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

ROOT = Path(__file__).resolve().parent.parent


class CannotMeasure(Exception):
    """The process could not measure; the text is a sentence for the user."""


class Told(Protocol):
    """What a process told."""

    has_ended: bool
    """Whether it said that this was all."""


Heard = TypeVar("Heard", bound=Told)


def run(module: str, order: str, log: str, listen: Callable[[Iterable[str]], Heard]) -> Heard:
    """Run a measuring process, and return what it told.

    Args:
        module: what is run.
        order: its one argument.
        log: name of the file that gets its stderr.
        listen: makes something of its lines.

    Raises:
        CannotMeasure: it ended before it said that this was all; or `listen` raised it.
    """
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    folder = ROOT / ".gate"
    folder.mkdir(exist_ok=True)
    # Into a file: a pipe that nobody empties would stop a process that has much to say there.
    with (folder / log).open("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            # -P: a folder `tests` or `ci` where the user stands must not be taken for the project's.
            [sys.executable, "-P", "-m", module, order],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONPATH": path},
        )
        assert process.stdout is not None
        try:
            heard = listen(process.stdout)
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
        if not heard.has_ended:
            errors.seek(0)
            last = errors.read().strip().splitlines()[-1:] or ["nothing on stderr"]
            raise CannotMeasure(f"the measuring process ended with status {process.returncode}: {last[0]}")
    return heard
