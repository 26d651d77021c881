"""How far a long job is: a bar on a terminal; elsewhere a line at every tenth, and after ten seconds of silence."""

import threading
import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

SECONDS_BETWEEN_LINES = 10.0
SHARE_BETWEEN_LINES = 0.1
LEAST_SECONDS_BETWEEN_LINES = 1.0


class Steps:
    """Shows the steps of a job on a console. Use it as a context.

    Args:
        console: where the user looks.
        began: the time at the job's start, by `time.monotonic`.
    """

    def __init__(self, console: Console, began: float) -> None:
        self._console, self._began = console, began
        self._live: Progress | None = None
        self._step, self._last_time = "starting", time.monotonic()
        self._done = self._last_done = self._of = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        # A long step may keep the caller busy.
        self._ticks = threading.Thread(target=self._keep_telling, daemon=True)
        if console.is_terminal and not console.is_dumb_terminal:
            columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._live = Progress(
                *columns,
                TextColumn("{task.description}", markup=False),
                console=console,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._live.add_task("starting", total=None)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        else:
            self._ticks.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        if self._live:
            self._live.stop()
        else:
            self._ticks.join()

    def at(self, step: str, done: int, of: int) -> None:
        """Tell how far the job is.

        Args:
            step: what is done now, or how it goes, in words.
            done: steps that are over.
            of: all steps; 0 while that is not known.
        """
        if self._live:
            self._live.update(self._task, description=step, completed=done, total=of or None)
            return
        with self._lock:
            self._step, self._done, self._of = step, done, of
            soon = time.monotonic() - self._last_time < LEAST_SECONDS_BETWEEN_LINES
            if done == of or (not soon and done - self._last_done >= SHARE_BETWEEN_LINES * of):
                self._tell()

    def tick(self) -> None:
        """Say how far the job is if nothing was said for ten seconds."""
        with self._lock:
            if time.monotonic() - self._last_time >= SECONDS_BETWEEN_LINES:
                self._tell()

    def _keep_telling(self) -> None:
        while not self._over.wait(1.0):
            self.tick()

    def _tell(self) -> None:
        self._last_time, self._last_done = time.monotonic(), self._done
        far = f"{self._done} of {self._of}, {self._step}" if self._of else self._step
        told = f"{far}, {self._last_time - self._began:.0f} s"
        self._console.print(Text(told, style="dim"), soft_wrap=True)
