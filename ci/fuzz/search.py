"""The search for the smallest case that breaks a rule: hypothesis draws and shrinks, the examination judges."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any, Protocol

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import FlakyFailure

from ci.processes import FOLDER
from tests.cases.case import Case
from tests.cases.covering import Row
from tests.cases.fuzzed import FACTORS, cases, covering_rows, simpler
from tests.cases.rows import of_row, row
from tests.examine.choice import reason_to_skip
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.examine.selection import Selection

ROUND = 6
"""Cases of one preference, the simplest among them, which is known after the first round."""
SHRINKING_SECONDS = 60.0
"""How long a failing case is made smaller, at most."""


class Broken(Exception):
    """A case broke a rule."""


class Examines(Protocol):
    """What examines cases, one after the other, and survives whatever that does."""

    def examine(self, case: Case) -> Examined:
        """Examine a case, behind others."""

    def alone(self, case: Case) -> Examined:
        """Examine a case where nothing was examined before."""


@dataclass(frozen=True)
class Found:
    """The smallest case that was found to break a rule."""

    row: str
    findings: tuple[Finding, ...]


@dataclass
class Undecided:
    """Why rows were not decided, the first of them, and how many there were."""

    reason: str
    row: str
    count: int = 1

    def as_json(self) -> dict[str, Any]:
        """Return this as a JSON object."""
        return {"case": self.row, "reason": self.reason, "count": self.count}


def preferences(of: int) -> Iterator[Row]:
    """Yield, without end, what is drawn most: a covering array, in an order of its own for each seed, then anything."""
    random = Random(of)
    yield from random.sample(covering_rows(), len(covering_rows()))
    while True:
        yield {factor: random.choice(classes) for factor, classes in FACTORS.items()}


class Search:
    """Examines cases until one breaks a rule, or until the time is up.

    What breaks one behind other cases, or kills the process, has to do so alone: an earlier case may have left
    something behind. What does not is undecided.

    Args:
        examiner: examines; what it kept of earlier cases is gone when one is examined alone.
        selection: what is examined.
        seconds: how long new cases are drawn.
        on_case: told how many cases were examined.
    """

    def __init__(
        self,
        examiner: Examines,
        selection: Selection,
        seconds: float,
        on_case: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.examined = 0
        self.undecided: dict[str, Undecided] = {}
        """By reason."""
        self._examiner = examiner
        self._selection = selection
        self._until = time.monotonic() + seconds
        self._on_case = on_case
        self._found: Found | None = None
        self._known: dict[str, bool] = {}
        """Whether each row that was examined breaks a rule."""

    def of_row(self, case: Case) -> Found | None:
        """Examine one case, alone."""
        examined = self._examiner.alone(case)
        self._count()
        self._breaks(case, examined)
        return self._found

    def run(self, first_seed: int, rounds: int | None = None) -> Found | None:
        """Draw cases, round after round, each of a seed and a preference of its own."""
        for number, preferred in enumerate(preferences(first_seed)):
            if self._found is not None or time.monotonic() > self._until or number == rounds:
                break
            self._round(first_seed * 1_000_003 + number, preferred)
        before = ""
        while self._found is not None and self._found.row != before:
            before = self._found.row
            any(self._in_time(case) for case in simpler(of_row(before)) if row(case) != before)
        return self._found

    def _round(self, of: int, preferred: Row) -> None:
        # Rows of another implementation would only take time.
        of_implementation = sha256(self._selection.implementation.encode()).hexdigest()[:16]

        @seed(of)
        @settings(
            max_examples=ROUND,
            database=DirectoryBasedExampleDatabase(FOLDER / "fuzz" / of_implementation),
            deadline=None,
            phases=(Phase.reuse, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @given(cases(preferred))
        def breaks_no_rule(case: Case) -> None:
            if self._in_time(case):
                raise Broken

        try:
            breaks_no_rule()
        except (Broken, FlakyFailure):
            assert self._found is not None

    def _in_time(self, case: Case) -> bool:
        return time.monotonic() < self._until and self.is_broken(case)

    def is_broken(self, case: Case) -> bool:
        """Whether a case breaks a rule, alone; each is examined once."""
        text = row(case)
        if text not in self._known:
            self._known[text] = self._examine(case)
        return self._known[text]

    def _examine(self, case: Case) -> bool:
        selection = self._selection
        if reason_to_skip(case, device=selection.device, contract=selection.contract, quick=False):
            return False
        examined = self._examiner.examine(case)
        self._count()
        if not examined.is_unclean:
            return False
        if not examined.findings and examined.undecided in self.undecided:
            return self._breaks(case, examined)
        alone = self._examiner.alone(case)
        if alone.is_clean and not examined.lacked_memory:
            self._note(f"behind other cases, and not alone: {_what(examined)}", case)
        return self._breaks(case, alone)

    def _count(self) -> None:
        self.examined += 1
        self._on_case(self.examined)

    def _breaks(self, case: Case, examined: Examined) -> bool:
        """Whether a case that was examined alone breaks a rule."""
        if examined.undecided is not None:
            self._note(examined.undecided, case)
        if not examined.findings:
            return False
        if self._found is None:
            self._until = time.monotonic() + SHRINKING_SECONDS
        if self._found is None or len(row(case)) <= len(self._found.row):
            self._found = Found(row(case), examined.findings)
        return True

    def _note(self, reason: str, case: Case) -> None:
        if reason in self.undecided:
            self.undecided[reason].count += 1
        else:
            self.undecided[reason] = Undecided(reason, row(case))


def _what(examined: Examined) -> str:
    """Return in a few words, the same for many cases, what was seen of a case."""
    told = [f"{of.function} breaks rule {of.rule}, {of.fault}" for of in examined.findings[:1]]
    return "".join(told) or str(examined.undecided)
