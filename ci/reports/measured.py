"""How a job that measures ends: its JSON report, and one line if nothing could be decided."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ci.reports import report
from tests.calls.errors import Foreseen

WORDS = {0: "clean", 1: "findings", 2: "undecided"}
"""The verdict that each exit code stands for."""


def write_report(path: Path | None, content: dict[str, Any], exit_code: int, began: float) -> None:
    """Write the JSON report, if one is asked for.

    Args:
        path: where, or None.
        content: what it holds besides verdict, exit code and seconds.
        exit_code: of the job.
        began: when it began, in seconds of `time.monotonic`.

    Raises:
        OSError: it cannot be written.
    """
    if path is not None:
        seconds = round(time.monotonic() - began, 1)
        report.write(path, {**content, "verdict": WORDS[exit_code], "exit_code": exit_code, "seconds": seconds})


def undecided(path: Path | None, console: Console, why: str, began: float) -> int:
    """Tell in one line, and in the report, why nothing could be decided; return exit code 2."""
    try:
        write_report(path, {"undecided": [{"case": None, "reason": why}]}, 2, began)
    except OSError as error:
        why += f"; and cannot write {path}: {error.strerror or error}"
    seconds = f" ({time.monotonic() - began:.0f} s)"
    console.print(Text.assemble(("UNDECIDED", "bold yellow"), f": {why}{seconds}"), soft_wrap=True)
    return 2


def ended(job: Callable[[], int], path: Path | None, console: Console, began: float) -> int:
    """Run a job, and return its exit code; what kept it from deciding is told and is exit code 2."""
    try:
        return job()
    except Foreseen as error:
        why = str(error)
    except KeyboardInterrupt:
        why = "interrupted"
    except OSError as error:
        why = f"cannot read or write {error.filename}: {error.strerror or error}"
    return undecided(path, console, why, began)
