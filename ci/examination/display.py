"""What the user sees while cases are examined: findings as they come, and how far the run is."""

from collections.abc import Callable, Iterable, Sequence

from rich.text import Text

from ci.examination.entries import Entry, entries
from ci.reports.decision import counted
from ci.reports.reporter import Reporter
from tests.examine.examined import Examined
from tests.examine.finding import Finding

MOST_SHOWN = 12
"""Entries that are shown in full, with the first one of each rule; the rest are counted."""


def entry_lines(entry: Entry, replay: str) -> Text:
    """Return findings of one case in full: rule, case, functions, what happened, and how to see it again."""
    text = Text()
    text.append(f"rule {entry.rule}", style="bold red")
    text.append(f"  {entry.first.case}", style="bold")
    text.append(f"  {', '.join(entry.functions)}\n")
    text.append(f"  {entry.first.message}\n")
    text.append(f"  the rule: {entry.rule.text}\n", style="dim")
    text.append(f"  replay: {replay}", style="dim")
    return text


class Shown:
    """Which findings are shown, as they come: the first case of each rule and fault. Pure.

    What a function raises is held back until it has done anything else: it may turn out that it raised the same in
    every case, which is told in one sentence.
    """

    def __init__(self) -> None:
        self._seen: set[tuple[int, str]] = set()
        self._rules: set[int] = set()
        self._busy: set[str] = set()
        self._held: list[Finding] = []

    @property
    def held(self) -> int:
        """How many findings are held back."""
        return len(self._held)

    def of(self, result: Examined) -> list[Entry]:
        """Return what is to be shown now that a case is over."""
        self._busy.update(result.right, result.refused)
        self._busy.update(finding.function for finding in result.findings if not _is_raised(finding))
        coming = [*self._held, *result.findings]
        self._held = [finding for finding in coming if finding.function not in self._busy]
        return self._new(finding for finding in coming if finding.function in self._busy)

    def rest(self, findings: Sequence[Finding]) -> list[Entry]:
        """Return what is to be shown at the end of what was held back: what is among the run's findings."""
        held, self._held = self._held, []
        return self._new(finding for finding in held if finding in findings)

    def _new(self, findings: Iterable[Finding]) -> list[Entry]:
        new = []
        for entry in entries(findings):
            key = (entry.rule, entry.first.fault)
            if key in self._seen or (len(self._seen) >= MOST_SHOWN and entry.rule in self._rules):
                continue
            self._seen.add(key)
            self._rules.add(entry.rule)
            new.append(Entry(entry.rule, tuple(of for of in entry.findings if of.case == entry.first.case)))
        return new


def _is_raised(finding: Finding) -> bool:
    return finding.message.startswith("raised ")


class Display:
    """Shows a run; it is the collector's listener."""

    def __init__(self, reporter: Reporter, replay: Callable[[Finding], str]) -> None:
        self._reporter = reporter
        self._replay = replay
        self._shown = Shown()
        self._reasons: set[str] = set()
        self._findings = self._total = 0
        self.steps = reporter.steps()
        """A context, while cases are examined."""

    def expect(self, total: int) -> None:
        """Note how many tests there are."""
        self._total = total

    def show(self, result: Examined, done: int) -> None:
        """Show a result: what is new of its findings, a new reason that kept it undecided, and how far the run is."""
        self._findings += len(result.findings)
        self._show(self._shown.of(result))
        if result.undecided is not None and result.undecided not in self._reasons:
            self._reasons.add(result.undecided)
            if len(self._reasons) <= MOST_SHOWN:
                self._reporter.say(f"could not decide on {result.case}: {result.undecided}", "yellow")
        self.steps.at(counted(self._findings - self._shown.held, "finding"), done, self._total)

    def show_rest(self, findings: Sequence[Finding]) -> None:
        """Show what is left to show, now that the run's findings are known."""
        self._show(self._shown.rest(findings))

    def _show(self, new: Iterable[Entry]) -> None:
        for entry in new:
            self._reporter.say(entry_lines(entry, self._replay(entry.first)))
