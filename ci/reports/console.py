"""Where a job shows what it has to say."""

from typing import TextIO

from rich.console import Console

WIDTH_WITHOUT_TERMINAL = 120


def console_on(file: TextIO) -> Console:
    """Return a console that writes to a file, with colours only where it is a terminal."""
    on_terminal = file.isatty()
    return Console(
        file=file,
        force_terminal=on_terminal,
        width=None if on_terminal else WIDTH_WITHOUT_TERMINAL,
        highlight=False,
        markup=False,
        emoji=False,
    )
