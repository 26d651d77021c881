"""Values of a kernel: for each lane, a term, and whether Triton leaves it undefined."""

from collections.abc import Callable, Sequence
from typing import Any

import z3

from tests.instruments.proof.terms import Term, Terms

At = Callable[..., Term]
NEVER = z3.BoolVal(False)
ALWAYS = z3.BoolVal(True)


def defined(*lane: Term) -> Term:
    """Say of any lane that it is defined."""
    return NEVER


class Value:
    """A number, a truth value or an address in each lane.

    Args:
        shape: of its lanes.
        width: bits of a number, 1 of a truth value, None of an address.
        at: gives a lane's term: a number, a truth value, or of an address the bytes from `root`.
        undefined: gives when a lane is undefined.
        root: the argument that an address points into.
        item: bytes of what an address points to.
        picked: the condition, and the two values, of the choice in each lane that this is.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        width: int | None,
        at: At,
        undefined: At = defined,
        *,
        root: str | None = None,
        item: int = 1,
        picked: "tuple[Value, Value, Value] | None" = None,
    ) -> None:
        self.shape = shape
        self.width = width
        self.root = root
        self.item = item
        self.picked = picked
        self.source = self
        """What this is another view of, with the same lanes."""
        self.origin: Term | None = None
        """The launch's argument or program number that this is, perhaps in another width or in all lanes."""
        self.has_order = True
        """Whether its lanes lie where they did: a reshape may have let them change places."""
        self._at = at
        self._undefined = undefined
        self._terms: dict[tuple[Any, ...], tuple[Term, tuple[Term, ...]]] = {}

    def at(self, *lane: Term) -> Term:
        """Return a lane's term, the same one each time."""
        return self._once("at", self._at, lane)

    def undefined(self, *lane: Term) -> Term:
        """Return when a lane is undefined."""
        return self._once("undefined", self._undefined, lane)

    def _once(self, what: str, give: At, lane: tuple[Term, ...]) -> Term:
        key = (what, *(index.get_id() for index in lane))
        if key not in self._terms:
            self._terms[key] = give(*lane), lane  # the lane's terms are kept, so that their numbers stay theirs
        return self._terms[key][0]

    def like(self, shape: tuple[int, ...], at: Callable[[At], At]) -> "Value":
        """Return the same values in other lanes: `at` makes of a function of these lanes one of the others."""
        return Value(shape, self.width, at(self.at), at(self.undefined), root=self.root, item=self.item)


def scalar(width: int | None, term: Term) -> Value:
    """Return a value without lanes."""
    return Value((), width, lambda: term)


def lanes(terms: Terms, shape: Sequence[int], tag: str = "a") -> tuple[Term, ...]:
    """Return any lane of a shape."""
    return tuple(terms.lane(count, f"{tag}{axis}") for axis, count in enumerate(shape))


def any_undefined(*values: Value) -> At:
    """Say that a lane is undefined if it is in any of the values."""

    def undefined(*lane: Term) -> Term:
        parts = [part for value in values if not z3.is_false(part := value.undefined(*lane))]
        return z3.Or(*parts) if parts else NEVER

    return undefined
