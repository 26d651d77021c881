"""What is known of products: lemmas of multiplication, each true of all whole numbers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import combinations

import z3

from tests.instruments.proof.terms import Product, Term, is_number

MOST = ((1 << 16) - 1, (1 << 31) - 1)
"""Limits of factors that bound a product: of programs on an axis, and of 32 bits."""


def of_one(left: Term, right: Term, product: Term) -> Iterator[Term]:
    """Yield what holds of `product == left * right`."""
    yield z3.Implies(z3.Or(left == 0, right == 0), product == 0)
    yield z3.Implies(z3.And(left >= 0, right >= 0), product >= 0)
    for one, other in ((left, right), (right, left)):
        yield z3.Implies(z3.And(one >= 1, other >= 0), product >= other)
        yield z3.Implies(one == 1, product == other)
        yield z3.Implies(one == 2, product == 2 * other)
        for most in MOST:
            yield z3.Implies(z3.And(one >= 0, one <= most, other >= 0), product <= most * other)


def of_two(factor: Term, one: Term, with_one: Term, other: Term, with_other: Term) -> Iterator[Term]:
    """Yield what holds of `with_one == factor * one` and `with_other == factor * other`."""
    for low, product_low, high, product_high in (
        (one, with_one, other, with_other),
        (other, with_other, one, with_one),
    ):
        yield z3.Implies(z3.And(factor >= 0, low <= high), product_low <= product_high)
        yield z3.Implies(z3.And(factor >= 0, low <= high - 1), product_low + factor <= product_high)


class Lemmas:
    """The lemmas of a proof's products, each made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], list[Term]] = {}

    def of_all(self, products: Sequence[Product]) -> list[Term]:
        """Return what holds of products, those that share a factor among them."""
        found: list[Term] = []
        by_factor: dict[int, tuple[Term, list[tuple[Term, Term]]]] = {}
        for left, right, name in products:
            found += self._once((name.get_id(),), partial(of_one, left, right, name))
            by_factor.setdefault(left.get_id(), (left, []))[1].append((right, name))
            by_factor.setdefault(right.get_id(), (right, []))[1].append((left, name))
        for factor, multiples in by_factor.values():
            multiples.sort(key=lambda multiple: multiple[1].get_id())
            for one, other in combinations(multiples, 2):
                key = (factor.get_id(), one[1].get_id(), other[1].get_id())
                found += self._once(key, partial(_of_two_or_near, factor, *one, *other))
            for three in combinations(multiples, 3):
                key = (factor.get_id(), *(name.get_id() for _, name in three))
                found += self._once(key, partial(_of_sums, three))
        return found

    def _once(self, key: tuple[int, ...], make: Callable[[], Iterable[Term]]) -> list[Term]:
        if key not in self._known:
            self._known[key] = list(make())
        return self._known[key]


def _of_two_or_near(factor: Term, one: Term, with_one: Term, other: Term, with_other: Term) -> Iterator[Term]:
    difference = z3.simplify(one - other)
    if is_number(difference):
        yield with_one == with_other + difference.as_long() * factor
    else:
        yield from of_two(factor, one, with_one, other, with_other)


def _of_sums(three: Sequence[tuple[Term, Term]]) -> Iterator[Term]:
    """Yield that one of three products is the sum of the others, if its second factor is that of theirs."""
    for place, (both, with_both) in enumerate(three):
        (one, with_one), (other, with_other) = (each for at, each in enumerate(three) if at != place)
        if z3.is_true(z3.simplify(one + other == both)):
            yield with_one + with_other == with_both
