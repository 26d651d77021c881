"""From what the tests of a run reported to its verdict. A pure decision: no processes, files or clocks.

In this order:

1. A run that was cut short by a signal is undecided, whatever is known by then: that is told with it.
2. A finding decides: the implementation broke a promise, whatever else went wrong in the run.
3. Anything that kept the harness from deciding on a case, or from seeing all of them, makes it undecided.
4. A run that examined nothing, or in which nothing but refusals was seen, is undecided too: it is no evidence.
5. What is left is clean. Cases left out for a stated reason are counted and change nothing.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ci.examination.everywhere import without_same_error
from ci.reports.decision import Decision, counted
from tests.examine.examined import Examined
from tests.examine.finding import Finding

STOPPED_EARLY = "not reached: the run stopped at the first case that was not clean"
CUT_SHORT = "not reached: the run was interrupted"
NO_RIGHT_ROW = "no case showed a right row"


@dataclass(frozen=True)
class Undecided:
    """Something that could not be decided."""

    reason: str
    cases: tuple[str, ...] = ()
    """Those that it was about, none for the whole run."""

    def __str__(self) -> str:
        if len(self.cases) > 1:
            return f"{self.reason}: {counted(len(self.cases), 'case')}, first {self.cases[0]}"
        return f"{self.cases[0]}: {self.reason}" if self.cases else self.reason


@dataclass(frozen=True)
class FamilyCount:
    """How the cases of one family came out; each case counts once."""

    family: str
    clean: int = 0
    with_findings: int = 0
    undecided: int = 0
    not_run: int = 0
    refused: int = 0
    """Of those examined, the ones in which a function refused a call as the contract allows."""
    is_refused_whole: bool = False
    """Whether all that were examined are such, and none showed right rows."""
    rules_broken: tuple[int, ...] = ()

    @property
    def examined(self) -> int:
        """Cases that were decided."""
        return self.clean + self.with_findings


@dataclass(frozen=True)
class RunVerdict:
    """What a run came to, and why."""

    decision: Decision
    findings: tuple[Finding, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    families: tuple[FamilyCount, ...] = ()
    total: FamilyCount = FamilyCount("all")
    """The counts of all families together."""
    not_run: Counter[str] = field(default_factory=Counter)
    """How many cases were left out, by the reason."""
    notes: tuple[str, ...] = ()
    """What the reader has to know of the examinations."""
    cut_short: str | None = None
    """What ended the run before its time, if anything did."""


def undecided(reason: str) -> RunVerdict:
    """Return the verdict on a run that did not get as far as a case."""
    return RunVerdict(Decision.UNDECIDED, undecided=(Undecided(reason),))


def judge(
    results: Sequence[Examined],
    *,
    rows_due: Collection[str] = (),
    troubles: Sequence[str] = (),
    cut_short: str | None = None,
) -> RunVerdict:
    """Return the verdict on a run.

    Args:
        results: what each test of each case reported, in the order of the report.
        rows_due: cases in which right rows are due, whatever else the implementation may refuse.
        troubles: what went wrong with the run as a whole.
        cut_short: what ended the run before its time, if anything did.
    """
    results = without_same_error(results)
    findings = tuple(finding for result in results for finding in result.findings)
    undecided = [Undecided(reason) for reason in [*filter(None, [cut_short]), *troubles]] + _grouped(results)
    by_case: dict[str, list[Examined]] = {}
    for result in results:
        by_case.setdefault(result.case, []).append(result)
    by_family: dict[str, list[list[Examined]]] = {}
    for case, tests in by_case.items():
        by_family.setdefault(case.split("/")[0], []).append(tests)
    families = tuple(_count(family, cases) for family, cases in by_family.items())
    total = _count("all", list(by_case.values()))
    left_out = [tests for tests in by_case.values() if _state(tests) == "not_run"]
    not_run = Counter(next(test.not_run for test in tests if test.not_run is not None) for tests in left_out)
    if not undecided and not total.examined:
        undecided.append(Undecided("nothing was examined"))
    if not undecided and not findings and _shows_no_right_row(results, rows_due):
        undecided.append(Undecided(NO_RIGHT_ROW))
    otherwise = Decision.UNDECIDED if undecided else Decision.CLEAN
    decision = Decision.FINDINGS if findings and not cut_short else otherwise
    notes = tuple(dict.fromkeys(note for result in results for note in result.notes))
    return RunVerdict(decision, findings, tuple(undecided), families, total, not_run, notes, cut_short)


def _grouped(results: Sequence[Examined]) -> list[Undecided]:
    """Return why cases were not decided, each reason once."""
    alike: dict[str, list[str]] = {}
    for result in results:
        if result.undecided is not None:
            alike.setdefault(result.undecided, []).append(result.case)
    return [Undecided(reason, tuple(dict.fromkeys(cases))) for reason, cases in alike.items()]


def _shows_no_right_row(results: Sequence[Examined], rows_due: Collection[str]) -> bool:
    """Whether right rows were due, or calls were refused, and no function returned right rows."""
    due = [result for result in results if result.case in rows_due and result.not_run is None]
    if due:
        return not any(result.right for result in due)
    return any(result.refused for result in results) and not any(result.right for result in results)


def _count(family: str, cases: Sequence[Sequence[Examined]]) -> FamilyCount:
    tests = [test for case in cases for test in case]
    states = Counter(map(_state, cases))
    refused = sum(any(test.refused for test in case) for case in cases)
    is_whole = 0 < refused == states["clean"] + states["with_findings"] and not any(test.right for test in tests)
    rules_broken = tuple(sorted({finding.rule for test in tests for finding in test.findings}))
    return FamilyCount(family, refused=refused, is_refused_whole=is_whole, rules_broken=rules_broken, **states)


def _state(tests: Sequence[Examined]) -> str:
    """Return how a case came out, as the name of the `FamilyCount` field that counts it."""
    if any(test.findings for test in tests):
        return "with_findings"
    if any(test.undecided is not None for test in tests):
        return "undecided"
    return "clean" if any(test.is_clean for test in tests) else "not_run"
