"""What the user sees of a job that measures: what it says, how far it is, and how it ends, whatever kept it from it."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ci.reports.console import console_on
from ci.reports.ending import finish, undecided_line
from ci.reports.progress import Steps
from ci.reports.report import headed
from ci.reports.stopping import why
from tests.calls.errors import Foreseen

WORDS = {0: "clean", 1: "findings", 2: "undecided"}
"""The verdict that each exit code stands for."""


class Reporter:
    """What the user sees of one job, from now on.

    Args:
        kind: the job: `speed`, `latency` or `certificate`.
        path: of the JSON report, or None.
        console: where the user looks, unless on standard output.
    """

    def __init__(self, kind: str, path: Path | None, console: Console | None = None) -> None:
        self._kind = kind
        self._path = path
        self._began = time.monotonic()
        self.console = console or console_on(sys.stdout)

    @property
    def seconds(self) -> float:
        """How long the job has taken by now."""
        return time.monotonic() - self._began

    def say(self, line: str, style: str = "dim") -> None:
        """Print a line."""
        self.console.print(Text(line, style=style), soft_wrap=True)

    def steps(self) -> Steps:
        """Return what shows how far the job is; a context."""
        return Steps(self.console, self._began)

    def of(self, job: Callable[[], int]) -> int:
        """Run the job, and return its exit code; what kept it from deciding is told and is exit code 2."""
        try:
            return job()
        except Foreseen as error:
            return self.undecided(str(error))
        except KeyboardInterrupt as error:
            return self.undecided(why(error))
        except OSError as error:
            return self.undecided(f"cannot read or write {error.filename}: {error.strerror or error}")

    def told(self, content: dict[str, Any], exit_code: int, last_line: Text) -> int:
        """Write the report, print the last line, and return the exit code. See `ci.reports.ending.finish`."""
        report = headed(self._kind, WORDS[exit_code], exit_code, self.seconds, content)
        return finish(self.console, self._path, report, last_line)

    def undecided(self, reason: str) -> int:
        """Tell in one line, and in the report, why nothing could be decided; return exit code 2."""
        line = undecided_line(f"{reason} ({self.seconds:.0f} s)")
        return self.told({"undecided": [{"case": None, "reason": reason}]}, 2, line)
