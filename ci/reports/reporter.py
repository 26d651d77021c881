"""What the user sees of a job: what it says, how far it is, and how it ends, whatever kept it from it.

The report and the last line agree with the exit code.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ci.reports.console import console_on
from ci.reports.decision import Decision
from ci.reports.progress import Steps
from ci.reports.stopping import Stopped, why
from tests.calls import files
from tests.calls.errors import Foreseen

SCHEMA = 1
"""Version of what reports hold."""
STYLES = {Decision.CLEAN: "bold green", Decision.FINDINGS: "bold red", Decision.UNDECIDED: "bold yellow"}


class Reporter:
    """What the user sees of one job, from now on.

    Args:
        kind: the job: `examination`, `cost`, `proof`, `speed`, `latency`, `certificate`, `history` or `sanitizer`.
        path: of the JSON report, or None.
        console: where the user looks, unless on standard output.
        about: what the report says of the job whatever it comes to, JSON values by name.
    """

    def __init__(
        self, kind: str, path: Path | None, console: Console | None = None, about: Mapping[str, Any] | None = None
    ) -> None:
        self._kind = kind
        self._path = path
        self._about = about or {}
        self._began = time.monotonic()
        self.console = console or console_on(sys.stdout)

    @property
    def seconds(self) -> float:
        """How long the job has taken by now."""
        return time.monotonic() - self._began

    def say(self, line: Text | str, style: str = "dim") -> None:
        """Print a line, without breaking it."""
        self.console.print(Text(line, style=style) if isinstance(line, str) else line, soft_wrap=True)

    def section(self, title: str, lines: Sequence[str], style: str = "") -> None:
        """Print lines below a title, or nothing if there are none."""
        if lines:
            self.say(title, f"bold {style}".strip())
        for line in lines:
            self.say(f"  {line}", "")

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

    def undecided(self, reason: str) -> int:
        """Tell in one line, and in the report, why nothing could be decided; return exit code 2."""
        # What a call costs is counted on no case, so that its reasons are texts.
        told = reason if self._kind == "cost" else {"case": None, "reason": reason}
        return self.told({"undecided": [told]}, Decision.UNDECIDED, reason)

    def told(
        self, content: Mapping[str, Any], exit_code: int, last_line: Text | str, verdict: str = "", took: str = ""
    ) -> int:
        """Write the report, print where it is and the last line, and return the exit code.

        A report that cannot be written, or output that is lost, makes any verdict undecided: whoever waits for it
        would go on without.

        Args:
            content: what the report holds besides its head and what all reports of the job say.
            exit_code: a `Decision`.
            last_line: the verdict in one line, to which the seconds are added; a text gets the verdict before it.
            verdict: the job's own word for what it came to.
            took: what to say of the seconds.
        """
        decision, seconds = Decision(exit_code), self.seconds
        verdict = verdict or decision.word
        if isinstance(last_line, str):
            last_line = _verdict_line(decision, verdict, last_line)
        last_line = Text.assemble(last_line, f" ({seconds:.0f} s{took})")
        head = {"report": self._kind, "schema": SCHEMA, "verdict": verdict, "exit_code": int(decision)}
        head["seconds"] = round(seconds, 1)
        return _finish(self.console, self._path, {**head, **self._about, **content}, last_line)


def _finish(console: Console, path: Path | None, report: dict[str, Any], last_line: Text) -> int:
    undecided = {**report, "verdict": Decision.UNDECIDED.word, "exit_code": int(Decision.UNDECIDED)}
    try:
        if path is not None:
            try:
                files.write_json(path, report)
                console.print(Text(f"report: {path}", style="dim"), soft_wrap=True)
            except files.NotWritten as error:
                console.print(Text.assemble("without its report it would be: ", last_line), soft_wrap=True)
                report, last_line = undecided, _verdict_line(Decision.UNDECIDED, "undecided", str(error))
        console.print(last_line, soft_wrap=True)
    except Stopped:  # nobody reads the output any more
        pass
    if console.quiet:
        report = undecided
        if path is not None:
            with suppress(files.NotWritten):
                files.write_json(path, report)
    return int(report["exit_code"])


def _verdict_line(decision: Decision, verdict: str, told: str) -> Text:
    return Text.assemble((verdict.upper(), STYLES[decision]), f": {told}")
