"""Where the user looks: what was written elsewhere is harmless there, and output that is lost is no verdict."""

import atexit
import os
import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any, TextIO

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from ci.reports.stopping import OutputLost, stop
from tests.calls.text import harmless

WIDTH_WITHOUT_TERMINAL = 120


class _Console(Console):
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=harmless(segment.text))

    def _check_buffer(self) -> None:
        try:
            super()._check_buffer()
        except OSError as error:
            self._lose(error)

    def on_broken_pipe(self) -> None:
        self._lose(BrokenPipeError(None, "Broken pipe"))

    def _lose(self, error: OSError) -> None:
        """Say so where it can still be said, write no more, and end the run: nobody would read its verdict."""
        self.quiet = True
        sentence = f"the output cannot be written: {error.strerror or error}"
        # Not now: a run may have sent standard error elsewhere for a while.
        atexit.register(_tell, sentence)
        with suppress(OSError):  # a file without a descriptor has no buffer that could fail again when Python exits
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.file.fileno())
            os.close(nothing)
        stop(OutputLost(sentence))


def _tell(sentence: str) -> None:
    with suppress(OSError):
        print(f"gate: {sentence}", file=sys.stderr, flush=True)


def console_on(file: TextIO, width: int = WIDTH_WITHOUT_TERMINAL) -> Console:
    """Return a console that writes to a file, with colours only where it is a terminal.

    Args:
        file: standard output, or a copy of it.
        width: of lines where there is no terminal.
    """
    on_terminal = file.isatty()
    settings: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}
    return _Console(file=file, force_terminal=on_terminal, width=None if on_terminal else width, **settings)


def table_of(headings: Iterable[str], left: Collection[str], title: str | None = None) -> Table:
    """Return a table without rows.

    Args:
        headings: of its columns.
        left: those of columns of words; all others hold numbers, at the right.
        title: what stands above.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left", title_style="bold")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in left else "right")
    return table
