"""How far a long count is: a bar on a terminal, a line at every quarter elsewhere."""

from collections.abc import Mapping
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

QUARTERS = 4


class Steps:
    """Shows the steps of a run. Use it as a context."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: tuple[int, int] | None = None
        self._live: Progress | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._live = Progress(*columns, TextColumn("{task.description}"), console=console, transient=True)
            self._task = self._live.add_task("starting", total=None)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._live.stop()

    def at(self, message: Mapping[str, Any]) -> None:
        """Tell how far the process that sent a message is; a message without a `step` tells nothing."""
        if "step" not in message:
            return
        step, done, of = message["step"], message["done"], message["of"]
        if self._live:
            self._live.update(self._task, description=step, completed=done, total=of)
            return
        quarter = (of, QUARTERS * done // of)
        if quarter != self._told:
            self._told = quarter
            self._console.print(Text(f"  {done} of {of}: {step}", style="dim"), soft_wrap=True)
