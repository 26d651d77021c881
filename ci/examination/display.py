"""What the user sees while cases are examined: findings as they come, and how far the run is."""

from collections import Counter
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.text import Text

from ci.examination.verdict import without_memory_excuses
from ci.reports.progress import Steps
from tests.examine.examined import Examined
from tests.examine.finding import Finding

SHOWN_PER_FUNCTION = 3
"""Findings of each function that are shown in full, with the first one of each rule; the rest are counted."""


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


class Display:
    """Shows a run on a console. Use it as a context; it is the collector's listener."""

    def __init__(self, console: Console, replay: Callable[[str], str], began: float) -> None:
        self._console = console
        self._replay = replay
        self._by_function: Counter[str] = Counter()
        self._rules: set[int] = set()
        self._findings = self._undecided = 0
        self._total = 0
        self._steps = Steps(console, began)

    def __enter__(self) -> Self:
        self._steps.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._steps.__exit__(*error)

    def expect(self, total: int) -> None:
        """Note how many tests there are."""
        self._total = total

    def show(self, result: Examined, done: int) -> None:
        """Show a result: its findings as they come, and how far the run is."""
        result = without_memory_excuses(result)
        for finding in result.findings:
            self._show(finding)
        if result.undecided is not None:
            self._undecided += 1
            if self._undecided <= SHOWN_PER_FUNCTION:
                self._print(Text(f"could not decide on {result.case}: {result.undecided}", style="yellow"))
        self._steps.at(count(self._findings, "finding"), done, self._total)

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
