"""The last things that a job does: its report, and its last line. They agree with its exit code."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ci.reports.stopping import Stopped
from tests.calls import files

UNDECIDED = 2


def finish(console: Console, path: Path | None, content: dict[str, Any], last_line: Text) -> int:
    """Write the report, tell where it is, print the last line, and return the exit code.

    A report that cannot be written, or output that is lost, makes any verdict undecided: whoever waits for it would go
    on without.

    Args:
        console: where the user looks.
        path: of the report, if one is asked for.
        content: of the report; see `ci.reports.report.headed`.
        last_line: the verdict in one line.
    """
    try:
        if path is not None:
            try:
                files.write_json(path, content)
                console.print(Text(f"report: {path}", style="dim"), soft_wrap=True)
            except files.NotWritten as error:
                console.print(Text.assemble("without its report it would be: ", last_line), soft_wrap=True)
                content, last_line = _undecided(content), undecided_line(str(error))
        console.print(last_line, soft_wrap=True)
    except Stopped:  # nobody reads the output any more
        pass
    if console.quiet:
        content = _undecided(content)
        if path is not None:
            with suppress(files.NotWritten):
                files.write_json(path, content)
    return int(content["exit_code"])


def _undecided(content: dict[str, Any]) -> dict[str, Any]:
    return {**content, "verdict": "undecided", "exit_code": UNDECIDED}


def undecided_line(why: str) -> Text:
    """Return the last line of a job that could not decide."""
    return Text.assemble(("UNDECIDED", "bold yellow"), f": {why}")
