"""The search for the smallest case that breaks a rule: hypothesis draws and shrinks, the examination judges."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.errors import FlakyFailure

from ci.processes import FOLDER
from tests.cases.case import Case
from tests.cases.fuzzed import cases, of_row, row
from tests.examine.choice import reason_to_skip
from tests.examine.finding import Finding
from tests.plugin.examiner import Examiner

ROUND = 500
"""Cases of one seed."""
TELL_EVERY = 20
"""Cases."""
SHRINKING_SECONDS = 60.0
"""How long a failing case is made smaller, at most."""


class Broken(Exception):
    """A case broke a rule."""


@dataclass(frozen=True)
class Found:
    """The smallest case that was found to break a rule."""

    row: str
    findings: tuple[Finding, ...]


class Search:
    """Examines cases until one breaks a rule, or until the time is up.

    Args:
        examiner: of the implementation.
        seconds: how long new cases are drawn.
        on_case: told how many cases were examined.
    """

    def __init__(self, examiner: Examiner, seconds: float, on_case: Callable[[int], None] = lambda count: None) -> None:
        self.examined = 0
        self.undecided: list[str] = []
        self._examiner = examiner
        self._until = time.monotonic() + seconds
        self._on_case = on_case
        self._found: Found | None = None

    def of_row(self, text: str) -> Found | None:
        """Examine one row."""
        self._examine(of_row(text))
        return self._found

    def run(self, first_seed: int, rounds: int | None = None) -> Found | None:
        """Draw cases, round after round, each of a seed of its own."""
        number = 0
        while self._found is None and time.monotonic() < self._until and number != rounds:
            self._round(first_seed * 1_000_003 + number)
            number += 1
        return self._found

    def _round(self, of: int) -> None:
        @seed(of)
        @settings(
            max_examples=ROUND,
            database=DirectoryBasedExampleDatabase(FOLDER / "fuzz"),
            deadline=None,
            phases=(Phase.reuse, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @given(cases())
        def breaks_no_rule(case: Case) -> None:
            if time.monotonic() < self._until and self._examine(case):
                raise Broken

        try:
            breaks_no_rule()
        except (Broken, FlakyFailure):
            assert self._found is not None

    def _examine(self, case: Case) -> bool:
        selection = self._examiner.selection
        if reason_to_skip(case, device=selection.device, contract=selection.contract, quick=False):
            return False
        examined = self._examiner.examine(case)
        self.examined += 1
        if self.examined % TELL_EVERY == 0:
            self._on_case(self.examined)
        if examined.undecided is not None and examined.undecided not in self.undecided:
            self.undecided.append(examined.undecided)
        if examined.findings:
            if self._found is None:
                self._until = time.monotonic() + SHRINKING_SECONDS
            self._found = Found(row(case), examined.findings)
        return bool(examined.findings)
