"""How long an examination takes, judged by those whose rows were right: slow is not hung."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.cases.case import Case

USUAL_SECONDS = 0.005
"""For a token, where no case was right yet: more than any gather takes, interpreted element by element."""
TOKENS_OF_A_SEQUENCE = 64
"""What a sequence costs, counted in tokens."""
SHARE_OF_THE_LIMIT = 10
"""A case that should take more than the limit divided by this may be slow."""


def weight_of(case: Case) -> int:
    """Return about how long a case takes, in tokens."""
    return sum(map(weight_of, case.calls)) or sum(case.seq_lens) + TOKENS_OF_A_SEQUENCE * len(case.seq_lens)


@dataclass
class Paces:
    """The fastest seconds for a token that were seen, by family."""

    fastest: dict[str, float] = field(default_factory=dict)

    def note(self, case: Case, seconds: float) -> None:
        """Note how long a case took whose rows were right."""
        pace = seconds / max(weight_of(case), 1)
        self.fastest[case.family] = min(pace, self.fastest.get(case.family, pace))


def together(paces: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the fastest of several workers, by family."""
    fastest: dict[str, float] = {}
    for of in paces:
        for family, pace in of.items():
            fastest[family] = min(pace, fastest.get(family, pace))
    return fastest


def expected_seconds(family: str, weight: int, fastest: Mapping[str, float]) -> float:
    """Return how long a case should take: by cases of its family, or else by any, or else by what is usual."""
    pace = fastest.get(family) or min(fastest.values(), default=USUAL_SECONDS)
    return pace * max(weight, 1)


def may_be_slow(expected: float, limit: float, *, is_heavy: bool) -> bool:
    """Whether a case that was ended when its time was up may only have been slow.

    Args:
        expected: seconds that it should take.
        limit: seconds that it had.
        is_heavy: whether it takes long on this device, whoever gathers.
    """
    return is_heavy or expected * SHARE_OF_THE_LIMIT >= limit
