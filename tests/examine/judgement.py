"""From what a call gave back to findings: an error that the contract does not allow, rows that are wrong."""

from tests.cases.case import Case
from tests.examine.blame import Seen
from tests.examine.call import Outcome
from tests.examine.comparison import Expectation, WrongRows
from tests.examine.finding import Findings

WILD_READS = {Seen.READ_OUTSIDE, Seen.WRAP}
LAUNCH_REFUSED = {Seen.GRID}


def returned(outcome: Outcome, case: Case, findings: Findings) -> bool:
    """Whether there are results to look at; an error is judged here."""
    raised = outcome.raised
    if raised is None:
        return bool(outcome.results)
    if isinstance(raised.error, ValueError) and case.may_be_refused:
        findings.refuse()
    else:
        findings.raised(raised, launched=bool(outcome.launches))
    return False


def compare(
    outcome: Outcome,
    expected: Expectation,
    poison: int,
    findings: Findings,
    *,
    again: bool = False,
    earlier: Expectation | None = None,
) -> bool:
    """Compare the results with what they should be; return whether any row is wrong.

    Args:
        outcome: of the call.
        expected: the rows that are right.
        poison: byte that memory held before anything was written to it.
        findings: get the wrong rows, K and S as one where they are of one kind.
        again: whether the same call has given right rows before.
        earlier: what the call before this one should have returned, at the same addresses.
    """
    told: dict[Seen, WrongRows] = {}
    any_wrong = False
    for part, result in outcome.rows.items():
        wrong = expected.wrong_rows(part, result, poison, earlier)
        if wrong is None:
            continue
        any_wrong = True
        seen = Seen.OTHER_ROW_AGAIN if again else wrong.seen
        # Rows that a wild read made wrong, or that nobody wrote, are no fault of their own.
        sentence = f"{wrong.count:,} of {wrong.total:,} rows of {part} are wrong"
        if outcome.seen & LAUNCH_REFUSED and findings.follow(LAUNCH_REFUSED, sentence):
            continue
        breaks = None if wrong.reads_refused else seen
        if outcome.seen & WILD_READS and findings.follow(WILD_READS, sentence, breaks):
            continue
        told[seen] = told[seen].with_other(wrong) if seen in told else wrong
    if any(len(result) for result in outcome.results.values()):
        findings.rows(are_right=not any_wrong)
    prefix = "the same call again differs: " if again else "with new contents, " if earlier else ""
    for seen, wrong in told.items():
        findings.add(seen, prefix + str(wrong), wrong_rows=wrong.count, of=wrong.total)
    return any_wrong
