"""How a job that measures ends: its JSON report, and one line, whatever kept it from deciding."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ci.reports.ending import finish, undecided_line
from ci.reports.report import headed
from ci.reports.stopping import why
from tests.calls.errors import Foreseen

WORDS = {0: "clean", 1: "findings", 2: "undecided"}
"""The verdict that each exit code stands for."""


class Ending:
    """The end of one job.

    Args:
        kind: the job: `speed`, `latency` or `certificate`.
        path: of the JSON report, or None.
        console: where the user looks.
        began: when the job began, in seconds of `time.monotonic`.
    """

    def __init__(self, kind: str, path: Path | None, console: Console, began: float) -> None:
        self._kind = kind
        self._path = path
        self._console = console
        self._began = began

    @property
    def seconds(self) -> float:
        """How long the job has taken by now."""
        return time.monotonic() - self._began

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
        return finish(self._console, self._path, report, last_line)

    def undecided(self, reason: str) -> int:
        """Tell in one line, and in the report, why nothing could be decided; return exit code 2."""
        line = undecided_line(f"{reason} ({self.seconds:.0f} s)")
        return self.told({"undecided": [{"case": None, "reason": reason}]}, 2, line)
