"""Does a finding come back? Each fault is repeated alone before it is told: what earlier cases left may be its cause.

What comes back alone stands as it is. What comes back only after cases that were examined before it breaks rule 7, and
names them. What comes back in neither was seen once: a race may be.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tests.contract import Rule
from tests.examine.blame import Seen
from tests.examine.examined import Examined
from tests.examine.finding import Finding

BUDGET_SECONDS = 120.0
"""What a process spends on all its repetitions; what is found after that is told as it was found."""
SEEN_ONCE = " (seen once)"

Repeat = Callable[[Sequence[str], float], Examined | None]
"""Examines cases one after the other in a fresh process, within seconds; returns what the last one came to."""
_Fault = tuple[str, Rule, str]


@dataclass
class Repetition:
    """Repeats what a process finds.

    Args:
        repeat: examines cases in a fresh process.
        clock: seconds.
    """

    repeat: Repeat
    clock: Callable[[], float] = time.monotonic
    _left: float = BUDGET_SECONDS
    _known: set[_Fault] = field(default_factory=set)
    """Faults that came back alone."""
    _culprits: list[str] = field(default_factory=list)
    """Cases that were seen to spoil later ones."""

    def told(self, examined: Examined, earlier: Sequence[str]) -> Examined:
        """Return what is to be told of a case, given the ids of those that the process examined before it, in order."""
        found = {_fault(finding) for finding in examined.findings}
        if not earlier:
            self._known |= found
        if found <= self._known:
            return examined
        alone = self._repeated([examined.case])
        if alone is None:
            return examined
        self._known |= alone & found
        after: dict[_Fault, tuple[str, ...]] = {}
        for cases in self._suspects(earlier):
            if found <= self._known | after.keys():
                break
            again = self._repeated([*cases, examined.case])
            if again is None:
                continue
            for fault in (again & found) - self._known - after.keys():
                after[fault] = cases
        self._culprits += [cases[0] for cases in after.values() if len(cases) == 1 and cases[0] not in self._culprits]
        return replace(examined, findings=tuple(self._told(finding, after) for finding in examined.findings))

    def _suspects(self, earlier: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Yield earlier cases that may be the cause: those that were before, the first, the last, and then all."""
        likely = [*(case for case in self._culprits if case in earlier), earlier[0], earlier[-1]]
        yield from ((case,) for case in dict.fromkeys(likely))
        if len(earlier) > len(set(likely)):
            yield tuple(earlier)

    def _repeated(self, cases: Sequence[str]) -> set[_Fault] | None:
        """Return the faults of the last case, or None where that cannot be told."""
        if self._left <= 0:
            return None
        began = self.clock()
        examined = self.repeat(cases, self._left)
        self._left -= self.clock() - began
        return None if examined is None else {_fault(finding) for finding in examined.findings}

    def _told(self, finding: Finding, after: dict[_Fault, tuple[str, ...]]) -> Finding:
        fault = _fault(finding)
        if fault in self._known:
            return finding
        if fault not in after:
            return replace(finding, message=finding.message + SEEN_ONCE)
        cases = after[fault]
        names = cases[0] if len(cases) == 1 else f"{len(cases)} other cases, the first {cases[0]}"
        return replace(
            finding,
            rule=Rule.STATE,
            message=f"only after {names}, and right alone: {finding.message}",
            details={**finding.details, "after": list(cases)},
            fault=f"{Seen.STATE.value}: earlier cases",
        )


def _fault(finding: Finding) -> _Fault:
    return finding.function, finding.rule, finding.fault
