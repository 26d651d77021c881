"""Which cases of the catalogue a run examines, and the reason for each that it does not."""

import runpy
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from reference.layout import LAYOUTS
from tests.calls.errors import Foreseen, short
from tests.cases.case import Case, family
from tests.cases.catalogue import catalogue
from tests.cases.moved import Geometry, moved
from tests.contract import Contract, Rule
from tests.examine.selection import Selection


class NoCases(Foreseen):
    """A file has no cases that can be examined."""


class NoSuchCase(Foreseen):
    """A pattern matches no case."""


def matching(cases: Sequence[Case], patterns: Sequence[str]) -> list[Case]:
    """Return the cases whose id matches one of the patterns, all where there are no patterns."""
    return [case for case in cases if not patterns or any(fnmatchcase(case.id, pattern) for pattern in patterns)]


def chosen_cases(selection: Selection) -> list[Case]:
    """Return the cases that a selection chooses, in the catalogue's order.

    Raises:
        NoSuchCase: a pattern matches none.
        NoCases: the user's own file of cases cannot be read.
    """
    geometry = Geometry(selection.page_size, selection.index_head_dim, selection.layout)
    cases = catalogue(selection.seeds_from, selection.seeds, geometry)
    if selection.cases_file:
        cases += [moved(case, geometry) for case in cases_of(Path(selection.cases_file))]
    for pattern in selection.patterns:
        if not matching(cases, [pattern]):
            raise NoSuchCase(f"--case {pattern}: no case matches; ./ci/gate --list names them")
    return matching(cases, selection.patterns)


def cases_of(path: Path) -> list[Case]:
    """Return the cases of a user's file; their family has its name.

    Raises:
        NoCases: it cannot be executed, or its `CASES` are no rows; says which.
    """
    try:
        rows = runpy.run_path(str(path))["CASES"]
        return family(path.stem.replace("_", "-"), [row if isinstance(row, Case) else Case(**row) for row in rows])
    except Exception as error:
        raise NoCases(f"--cases {path}: expected a Python file with CASES, a list of rows: {short(error)}") from error


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
