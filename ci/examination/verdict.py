"""From what the tests of a run reported to its verdict. A pure decision: no processes, files or clocks.

In this order:

1. A finding decides: the implementation broke a promise, whatever else went wrong in the run.
2. Anything that kept the harness from deciding on a case, or from seeing all of them, makes it undecided.
3. A run that examined nothing is undecided too, because it is no evidence.
4. What is left is clean. Cases left out for a stated reason are counted and change nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from tests.contract import Rule
from tests.examine.examined import Examined
from tests.examine.finding import Finding

STOPPED_EARLY = "not reached: the run stopped at the first case that was not clean"


class Decision(Enum):
    """What a run came to."""

    CLEAN = "clean"
    FINDINGS = "findings"
    UNDECIDED = "undecided"

    @property
    def exit_code(self) -> int:
        """The exit code of the gate."""
        return {Decision.CLEAN: 0, Decision.FINDINGS: 1, Decision.UNDECIDED: 2}[self]


@dataclass(frozen=True)
class Undecided:
    """Something that could not be decided."""

    reason: str
    case: str | None = None
    """The case that it was about, or None for the whole run."""

    def __str__(self) -> str:
        return f"{self.case}: {self.reason}" if self.case else self.reason


@dataclass(frozen=True)
class FamilyCount:
    """How the cases of one family came out; each case counts once."""

    family: str
    clean: int = 0
    with_findings: int = 0
    undecided: int = 0
    not_run: int = 0
    rules_broken: tuple[int, ...] = ()

    @property
    def examined(self) -> int:
        """Cases that were decided."""
        return self.clean + self.with_findings


@dataclass(frozen=True)
class Verdict:
    """What a run came to, and why."""

    decision: Decision
    findings: tuple[Finding, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    families: tuple[FamilyCount, ...] = ()
    not_run: Counter[str] = field(default_factory=Counter)
    """How many cases were left out, by the reason."""

    @property
    def total(self) -> FamilyCount:
        """The counts of all families together."""
        rules = sorted({rule for family in self.families for rule in family.rules_broken})
        return FamilyCount(
            "all",
            clean=sum(family.clean for family in self.families),
            with_findings=sum(family.with_findings for family in self.families),
            undecided=sum(family.undecided for family in self.families),
            not_run=sum(family.not_run for family in self.families),
            rules_broken=tuple(rules),
        )


def out_of_memory(finding: Finding) -> bool:
    """Whether a finding only says that the machine had too little memory, which no rule forbids.

    A call that has to be refused (rule 14) is different: one that runs out of memory was not refused.
    """
    if finding.rule is Rule.BAD_ARGUMENTS:
        return False
    signs = ("OutOfMemoryError", "raised MemoryError", "can't allocate memory", "out of memory")
    return any(sign in finding.message for sign in signs)


def without_memory_excuses(examined: Examined) -> Examined:
    """Return the same with findings that only say "out of memory" turned into "could not decide"."""
    kept = tuple(finding for finding in examined.findings if not out_of_memory(finding))
    excused = [finding for finding in examined.findings if out_of_memory(finding)]
    if not excused:
        return examined
    reason = f"out of memory in {excused[0].function}: {excused[0].message}"
    return Examined(examined.case, kept, examined.undecided or reason, examined.not_run)


def judge(results: Sequence[Examined], troubles: Sequence[str] = ()) -> Verdict:
    """Return the verdict on a run.

    Args:
        results: what each test of each case reported, in the order of the report.
        troubles: what went wrong with the run as a whole.
    """
    results = [without_memory_excuses(result) for result in results]
    findings = tuple(finding for result in results for finding in result.findings)
    undecided = [Undecided(reason) for reason in troubles]
    undecided += [Undecided(result.undecided, result.case) for result in results if result.undecided is not None]
    by_case: dict[str, list[Examined]] = {}
    for result in results:
        by_case.setdefault(result.case, []).append(result)
    families = _count(by_case)
    not_run = Counter(_why_not_run(tests) for tests in by_case.values() if _state(tests) == "not_run")
    if not undecided and not any(family.examined for family in families):
        undecided.append(Undecided("nothing was examined"))
    otherwise = Decision.UNDECIDED if undecided else Decision.CLEAN
    decision = Decision.FINDINGS if findings else otherwise
    return Verdict(decision, findings, tuple(undecided), families, not_run)


def _count(by_case: dict[str, list[Examined]]) -> tuple[FamilyCount, ...]:
    states: dict[str, Counter[str]] = {}
    rules: dict[str, set[int]] = {}
    for case, tests in by_case.items():
        family = case.split("/")[0]
        states.setdefault(family, Counter())[_state(tests)] += 1
        rules.setdefault(family, set()).update(finding.rule for test in tests for finding in test.findings)
    return tuple(
        FamilyCount(family, **counts, rules_broken=tuple(sorted(rules[family]))) for family, counts in states.items()
    )


def _state(tests: Sequence[Examined]) -> str:
    """Return how a case came out, as the name of the `FamilyCount` field that counts it."""
    if any(test.findings for test in tests):
        return "with_findings"
    if any(test.undecided is not None for test in tests):
        return "undecided"
    return "clean" if any(test.is_clean for test in tests) else "not_run"


def _why_not_run(tests: Sequence[Examined]) -> str:
    return next(test.not_run for test in tests if test.not_run is not None)
