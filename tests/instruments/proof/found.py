"""What a walk finds: accesses, and branches on what may be undefined."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.instruments.proof.terms import Term


@dataclass(frozen=True)
class Access:
    """A load or a store in the kernel, of any active lane of any program that gets there."""

    kind: str
    """`read` or `write`."""
    root: str
    place: str
    given: tuple[Term, ...]
    """Conditions under which the lane is active."""
    offset: Term
    size: int
    reached: tuple[Term, ...]
    """Conditions under which the program gets there."""
    undefined: Term
    """When what decides the access, or what is stored, is undefined."""
    shape: tuple[int, ...] = ()
    """Of the lanes."""
    value: Callable[[], Term] | None = None
    """Gives what is stored; None of a load."""
    is_repeated: bool = False
    """Whether it stands in a loop of any number of rounds."""


@dataclass
class Walked:
    """What a walk found."""

    accesses: list[Access] = field(default_factory=list)
    branches: list[tuple[str, tuple[Term, ...], Term]] = field(default_factory=list)
    """Branches on what may be undefined: place, conditions, and when."""

    def mark(self) -> tuple[int, int]:
        """Return how much was found."""
        return len(self.accesses), len(self.branches)

    def forget(self, mark: tuple[int, int]) -> None:
        """Forget what was found since."""
        del self.accesses[mark[0] :], self.branches[mark[1] :]
