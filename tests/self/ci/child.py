"""A process for tests of `ci.processes`: does what its order says, each a word and what belongs to it."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

from ci.processes import serve, tell
from tests.calls.errors import Foreseen


def work(order: list[list[Any]]) -> None:
    for word, *values in order:
        match word:
            case "tell":
                tell(value=values[0])
            case "print":
                print(values[0], end="")
            case "stderr":
                print(values[0], file=sys.stderr, flush=True)
            case "foreseen":
                raise Foreseen(values[0])
            case "fault":
                raise RuntimeError(values[0])
            case "exit":
                sys.exit(values[0])
            case "signal":
                os.kill(os.getpid(), getattr(signal, values[0]))
            case "sleep":
                sys.stdout.flush()
                time.sleep(values[0])
            case "start":
                started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
                tell(value=started.pid)
            case "read":
                tell(value=sys.stdin.read())
            case "pid":
                tell(value=os.getpid())
            case "close":
                sys.stdout.flush()
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, 1)
            case _:
                raise ValueError(word)


if __name__ == "__main__":
    serve(work)
