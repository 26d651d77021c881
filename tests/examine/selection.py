"""Which cases a run examines, and the reason for each that it does not."""

from collections.abc import Sequence
from fnmatch import fnmatch

from tests.cases.case import Case
from tests.contract import Contract, Rule


def matching(cases: Sequence[Case], patterns: Sequence[str]) -> list[Case]:
    """Return the cases whose id matches one of the patterns, all where there are no patterns."""
    return [case for case in cases if not patterns or any(fnmatch(case.id, pattern) for pattern in patterns)]


def reason_to_skip(case: Case, *, device: str, contract: Contract, quick: bool) -> str | None:
    """Return why a case is not examined in this run, or None if it is.

    Args:
        case: the case.
        device: `cpu` or `cuda`.
        contract: the level that the implementation promises.
        quick: whether heavy cases are left out.
    """
    level = max(Rule(rule).level for rule in case.rules)
    if level > contract:
        return f"not promised: the contract is {contract.label}, the case is for {level.label}"
    if device == "cpu" and case.needs_gpu:
        return f"needs a GPU: {case.needs_gpu}"
    if quick and case.heavy and device == "cpu":
        return "heavy: left out of a quick run"
    return None
