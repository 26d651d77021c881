"""What the user sees while cases are examined: findings as they come, and how far the run is."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from ci.examination.verdict import Examined, without_memory_excuses
from tests.examine.finding import Finding

SHOWN_PER_FUNCTION = 3
"""Findings of each function that are shown in full, with the first one of each rule; the rest are counted."""
SECONDS_BETWEEN_LINES = 10.0
SHARE_BETWEEN_LINES = 0.1
LEAST_SECONDS_BETWEEN_LINES = 1.0


def finding_lines(finding: Finding, replay: str) -> Text:
    """Return a finding in full: rule, case and function, what happened, and how to see it again."""
    text = Text()
    text.append(f"rule {finding.rule}", style="bold red")
    text.append(f"  {finding.case}", style="bold")
    text.append(f"  {finding.function}\n")
    text.append(f"  {finding.message}\n")
    text.append(f"  the rule: {finding.rule.text}\n", style="dim")
    text.append(f"  replay: {replay}", style="dim")
    return text


class PlainProgress:
    """Says how far a run is at every tenth of the cases, and after ten seconds in which it said nothing.

    `began` is the clock's time at the run's start.
    """

    def __init__(self, say: Callable[[str], None], began: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._began = began
        self._last_time = clock()
        self._done = self._last_done = self._total = self._findings = 0
        self._lock = threading.Lock()

    def update(self, done: int, total: int, findings: int) -> None:
        """Note how far the run is, and say so if it is a tenth further."""
        with self._lock:
            self._done, self._total, self._findings = done, total, findings
            soon = self._clock() - self._last_time < LEAST_SECONDS_BETWEEN_LINES
            if done == total or (not soon and done - self._last_done >= SHARE_BETWEEN_LINES * total):
                self._tell()

    def tick(self) -> None:
        """Say how far the run is if nothing was said for ten seconds."""
        with self._lock:
            if self._clock() - self._last_time >= SECONDS_BETWEEN_LINES:
                self._tell()

    def _tell(self) -> None:
        self._last_time, self._last_done = self._clock(), self._done
        far = f"{self._done} of {self._total} cases" if self._total else "starting"
        self._say(f"{far}, {count(self._findings, 'finding')}, {self._last_time - self._began:.0f} s")


@contextmanager
def ticking(progress: PlainProgress) -> Iterator[None]:
    """Give a progress its ticks from a thread, because a long case may keep pytest busy."""
    over = threading.Event()

    def tick() -> None:
        while not over.wait(1.0):
            progress.tick()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Display:
    """Shows a run on a console. Use it as a context; it is the collector's listener."""

    def __init__(self, console: Console, replay: Callable[[str], str], began: float) -> None:
        self._console = console
        self._replay = replay
        self._by_function: Counter[str] = Counter()
        self._rules: set[int] = set()
        self._findings = self._undecided = 0
        self._total = 0
        self._plain: PlainProgress | None = None
        self._live: Progress | None = None
        self._open = ExitStack()
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[findings]}"),
                TimeElapsedColumn(),
                console=console,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._live.add_task("starting", total=None, findings="")
        else:
            self._plain = PlainProgress(lambda line: self._print(Text(line)), began)

    def __enter__(self) -> Self:
        if self._live:
            self._open.enter_context(self._live)
        if self._plain:
            self._open.enter_context(ticking(self._plain))
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def expect(self, total: int) -> None:
        """Note how many tests there are."""
        self._total = total
        if self._live:
            self._live.update(self._task, description="examining", total=total)

    def show(self, result: Examined, done: int) -> None:
        """Show a result: its findings as they come, and how far the run is."""
        result = without_memory_excuses(result)
        for finding in result.findings:
            self._show(finding)
        if result.undecided is not None:
            self._undecided += 1
            if self._undecided <= SHOWN_PER_FUNCTION:
                self._print(Text(f"could not decide on {result.case}: {result.undecided}", style="yellow"))
        if self._plain:
            self._plain.update(done, self._total, self._findings)
        if self._live:
            style = "red" if self._findings else "green"
            findings = count(self._findings, "finding")
            self._live.update(self._task, completed=done, findings=f"[{style}]{findings}[/]")

    def _show(self, finding: Finding) -> None:
        """Show a finding in full if it is among the first of its function or of its rule; else count it."""
        self._findings += 1
        self._by_function[finding.function] += 1
        number = self._by_function[finding.function]
        if number <= SHOWN_PER_FUNCTION or finding.rule not in self._rules:
            self._print(finding_lines(finding, self._replay(finding.case)))
        elif number == SHOWN_PER_FUNCTION + 1:
            self._print(Text(f"further findings in {finding.function} are counted, rule by rule", style="dim"))
        self._rules.add(finding.rule)

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def count(number: int, noun: str) -> str:
    """Return `1 finding`, `2 findings`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
