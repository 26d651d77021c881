"""Which cases of the catalogue a run examines, and the reason for each that it does not."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from reference.layout import LAYOUTS
from tests.calls.errors import Foreseen
from tests.cases.case import Case
from tests.contract import Contract, Rule
from tests.examine.selection import Selection


class NoSuchCase(Foreseen):
    """A pattern matches no case."""


def matching(cases: Sequence[Case], patterns: Sequence[str]) -> list[Case]:
    """Return the cases whose id matches one of the patterns, all where there are no patterns."""
    return [case for case in cases if not patterns or any(fnmatchcase(case.id, pattern) for pattern in patterns)]


def chosen_cases(selection: Selection) -> list[Case]:
    """Return the cases that a selection chooses, in the catalogue's order.

    Raises:
        NoSuchCase: a pattern matches none.
    """
    # The catalogue takes seconds to import, because some of its cases need torch.
    from tests.cases.catalogue import catalogue
    from tests.cases.moved import Geometry

    geometry = Geometry(selection.page_size, selection.index_head_dim, selection.layout)
    cases = catalogue(selection.seeds_from, selection.seeds, geometry)
    for pattern in selection.patterns:
        if not matching(cases, [pattern]):
            raise NoSuchCase(f"--case {pattern}: no case matches; ./ci/gate --list names them")
    return matching(cases, selection.patterns)


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
    if why := LAYOUTS[case.layout].why_not(case.page_size, case.index_head_dim):
        return why
    if device == "cpu" and case.needs_gpu:
        return f"needs a GPU: {case.needs_gpu}"
    if quick and case.heavy and device == "cpu":
        return "heavy: left out of a quick run"
    return None
