"""Which cases of the catalogue a run is about."""

from collections.abc import Sequence

from tests.cases.case import Case


class NoSuchCase(Exception):
    """A pattern matches no case; the text is a sentence for the user."""


def chosen_cases(patterns: Sequence[str], seeds_from: int, seeds: int | None) -> list[Case]:
    """Return the cases that the user chose, in the catalogue's order.

    Args:
        patterns: of case ids; without any, all cases are chosen.
        seeds_from: first seed of the random cases.
        seeds: number of random cases, or None for the usual one.

    Raises:
        NoSuchCase: a pattern matches none.
    """
    # The catalogue takes seconds to import, because some of its cases need torch.
    from tests.cases.catalogue import catalogue
    from tests.cases.seeds import DEFAULT_COUNT
    from tests.examine.selection import matching

    cases = catalogue(seeds_from, DEFAULT_COUNT if seeds is None else seeds)
    for pattern in patterns:
        if not matching(cases, [pattern]):
            raise NoSuchCase(f"--case {pattern}: no case matches; --list names them")
    return matching(cases, patterns)
