"""The model of reductions and scans.

A sum over lanes is a new number. What is known of it: it is not negative if no lane is; if no lane is more than a
bound, it is not more than as many of these as there are lanes, or lanes that are not 0. A sum of lanes of which all but
one are 0 is that one, or 0. Of sums up to a lane, it is known how they grow.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count

import z3

from tests.instruments.proof.module import Definitions, Operation, Unmodelled, entry
from tests.instruments.proof.prover import MANY, Prover
from tests.instruments.proof.terms import Term, Terms, bounds, is_number
from tests.instruments.proof.values import NEVER, At, Value

FEW = 8
"""Lanes that are summed one by one."""
_WIDE = 64
"""Bits of sums that have no other bound than one another."""

Exact = Callable[[tuple[int, ...], int, At, At], Value]


class Sums:
    """Reductions and scans of one walk.

    Args:
        prover: asked about generic lanes.
        exact: see `tests.instruments.proof.elementwise.Exact`.
        path: the conditions under which the walk stands where it does.
        limits: numbers that lanes may turn out to be bounded by.
        divisors: by which the kernel divides lanes.
        first_lanes: a number of lanes; where no lane past them is other than 0, these are summed one by one.
    """

    def __init__(
        self,
        prover: Prover,
        exact: Exact,
        path: Callable[[], list[Term]],
        limits: Sequence[Term],
        divisors: Sequence[int],
        first_lanes: int | None,
    ) -> None:
        self._prover = prover
        self._terms: Terms = prover.terms
        self._exact = exact
        self._path = path
        self._limits = limits
        self._divisors = divisors
        self._first_lanes = first_lanes
        self._numbers = count()
        self.counts: list[Term] = []
        """How many lanes a comparison lets through, where the kernel compares a row of numbers with a bound."""
        self._totals: dict[tuple[int, ...], tuple[Value, Term | None]] = {}
        self._hits: dict[tuple[int, ...], tuple[Value, tuple[Term, Term] | None]] = {}

    def reduce(self, operation: Operation, value: Value, functions: Definitions) -> Value:
        """`tt.reduce` along an axis."""
        axis, how = operation.number("axis"), combination(operation, functions)
        width = value.width
        if width is None:
            raise Unmodelled(f"a reduction of addresses at {operation.place}")
        shape = (*value.shape[:axis], *value.shape[axis + 1 :])
        lanes = value.shape[axis]
        undefined = self._somewhere(value, axis, lanes)
        if how == "addi" and not shape and width > 1:
            return self._total(value, lanes, width, undefined)

        def at(*lane: Term) -> Term:
            if width == 1:
                return self._terms.fresh_truth("reduced")
            if how not in ("maxsi", "minsi"):
                return self._terms.between("reduced", *bounds(width))
            found = self._terms.between("found", 0, lanes - 1)
            return self._terms.fresh("reduced", lambda term: [term == value.at(*lane[:axis], found, *lane[axis:])])

        return Value(shape, width, at, undefined)

    def scan(self, operation: Operation, value: Value, functions: Definitions) -> Value:
        """`tt.scan` of one dimension."""
        width, how = value.width, combination(operation, functions)
        if width is None or len(value.shape) != 1 or not value.has_order:
            raise Unmodelled(f"this scan at {operation.place}")
        (lanes,) = value.shape
        anywhere = self._somewhere(value, 0, lanes)()
        undefined = (lambda *lane: anywhere) if not z3.is_false(anywhere) else (lambda *lane: NEVER)
        if how != "addi" or "reverse = true" in operation.text:
            return Value(value.shape, width, lambda *lane: self._terms.between("scanned", *bounds(width)), undefined)
        return self._sums_up_to(value, lanes, width, undefined)

    def _somewhere(self, value: Value, axis: int, lanes: int) -> At:
        """Say that a result is undefined if a lane that it is made of is."""
        given = self._path()

        def undefined(*lane: Term) -> Term:
            some = self._terms.lane(lanes, f"u{next(self._numbers)}")
            part = value.undefined(*lane[:axis], some, *lane[axis:])
            return NEVER if z3.is_false(part) or self._prover.proves(given, z3.Not(part)) else part

        return undefined

    def _total(self, value: Value, lanes: int, width: int, undefined: At) -> Value:
        summed = self._one_by_one(value, lanes)
        if summed:
            return self._exact((), width, lambda: self._terms.simple(z3.Sum(summed)), undefined)
        chosen = self._picked(value, lanes)
        if chosen is not None:
            return Value((), width, lambda: chosen, undefined)
        total = self._total_of(value, lanes)
        if total is None:
            any_number = self._terms.between("sum", *bounds(width))
            return Value((), width, lambda: any_number, undefined)
        return self._exact((), width, lambda: total, undefined)

    def _one_by_one(self, value: Value, lanes: int) -> list[Term]:
        """Return the lanes that a sum is made of, if these are few."""
        few = self._first_lanes
        if lanes <= FEW:
            return [value.at(z3.IntVal(lane)) for lane in range(lanes)]
        if few is None:
            return []
        beyond = self._terms.lane(lanes, "beyond")
        is_rest_0 = self._prover.proves([*self._path(), beyond >= few], value.at(beyond) == 0)
        return [value.at(z3.IntVal(lane)) for lane in range(few)] if is_rest_0 else []

    def _total_of(self, value: Value, lanes: int) -> Term | None:
        """Return the sum of lanes that are not negative, without a wrap; None of others."""
        given = self._path()
        key = (id(value.source), *(term.get_id() for term in given))
        if key not in self._totals:
            lane = self._terms.lane(lanes, "r0")
            is_positive = self._prover.proves(given, value.at(lane) >= 0)
            total = self._terms.fresh("sum", lambda t: self._limits_of(t, value, lanes)) if is_positive else None
            if total is not None and value.width == _WIDE:
                self._terms.learn(total, *self._beside_others(total, value, lanes))
            self._totals[key] = value, total
        return self._totals[key][1]

    def _beside_others(self, total: Term, value: Value, lanes: int) -> Iterator[Term]:
        """Yield by which multiple of another sum this one is bounded, as each of its lanes is."""
        given, lane = self._path(), self._terms.lane(lanes, "r0")
        here = {term.get_id() for term in given}
        for (_, *path), (other, of_other) in list(self._totals.items()):
            if of_other is None or other.shape != value.shape or not here.issuperset(path):
                continue
            for by in self._divisors:
                if self._prover.proves(given, value.at(lane) <= by * other.at(lane)):
                    yield total <= by * of_other
                    break

    def _limits_of(self, total: Term, value: Value, lanes: int) -> list[Term]:
        given, lane = self._path(), self._terms.lane(lanes, "r0")
        known = [total >= 0]
        for limit in self._limits:
            # Only truth values that became numbers are worth the question whether they are 1 at most.
            if is_number(limit) and not z3.is_app_of(value.at(lane), z3.Z3_OP_ITE):
                continue
            if not self._prover.proves(given, value.at(lane) <= limit):
                continue
            known.append(total <= self._terms.simple(lanes * limit))
            for some in self.counts:
                if self._prover.proves([*given, lane >= some], value.at(lane) <= 0):
                    known.append(z3.Implies(some >= 0, total <= self._terms.times(some, limit)))
                    known.append(z3.Implies(some <= 0, total == 0))
        return known

    def _picked(self, value: Value, lanes: int) -> Term | None:
        """Return the one lane that a sum is of, or 0; None if more than one may be other than 0."""
        if value.picked is None:
            return None
        condition, of, other = value.picked
        rest = other.at(self._terms.lane(lanes, "r0"))
        if not (is_number(rest) and rest.as_long() == 0):
            return None
        given = self._path()
        key = (id(condition), *(term.get_id() for term in given))
        if key not in self._hits:
            self._hits[key] = condition, self._only_hit(condition, lanes, given)
        hit = self._hits[key][1]
        if hit is None:
            return None
        is_hit, lane = hit
        there = of.at(lane)
        holds = z3.Implies(is_hit, condition.at(lane))
        return self._terms.fresh("picked", lambda term: [z3.If(is_hit, term == there, term == 0), holds])

    def _only_hit(self, condition: Value, lanes: int, given: list[Term]) -> tuple[Term, Term] | None:
        low, high = self._terms.lane(lanes, "low"), self._terms.lane(lanes, "high")
        both = [*given, low < high, condition.at(low), condition.at(high)]
        if not self._prover.proves(both, z3.BoolVal(False), 2 * MANY):
            return None
        return self._terms.fresh_truth("hit"), self._terms.between("hit_at", 0, lanes - 1)

    def _sums_up_to(self, value: Value, lanes: int, width: int, undefined: At) -> Value:
        summed = self._one_by_one(value, lanes)
        if summed:
            so_far = [self._terms.simple(z3.Sum(summed[: place + 1])) for place in range(len(summed))]

            def among_few(lane: Term) -> Term:
                last = len(summed) - 1
                return self._terms.fresh(
                    "sum_to",
                    lambda term: [
                        *(z3.Implies(lane == place, term == so_far[place]) for place in range(last)),
                        z3.Implies(lane >= last, term == so_far[last]),
                    ],
                )

            return self._exact(value.shape, width, among_few, undefined)
        total = self._total_of(value, lanes)
        if total is None:
            return Value(value.shape, width, lambda lane: self._terms.between("sum_to", *bounds(width)), undefined)
        known: list[tuple[Term, Term, Term]] = []

        def at(lane: Term) -> Term:
            here = value.at(lane)
            up_to = self._terms.fresh("sum_to", lambda term: [term >= here, term <= total])
            for other, to_other, there in known:
                self._terms.learn(
                    up_to,
                    z3.Implies(other < lane, to_other + here <= up_to),
                    z3.Implies(lane < other, up_to + there <= to_other),
                    z3.Implies(lane == other, up_to == to_other),
                )
            known.append((lane, up_to, here))
            return up_to

        return self._exact(value.shape, width, at, undefined)


def combination(operation: Operation, functions: Definitions) -> str:
    """Return how a reduction combines two lanes: `addi`, `maxsi`, ..., or nothing that is known."""
    return _combination_of(entry(operation.regions[0]).operations, functions)


def _combination_of(operations: Sequence[Operation], functions: Definitions) -> str:
    named = [operation for operation in operations if not operation.name.endswith("return")]
    if len(named) != 1 or len(operations) != 2 or len(named[0].operands) != 2 or len(set(named[0].operands)) != 2:
        return ""
    (only,) = named
    if only.name == "tt.call":
        return _combination_of(entry(functions[only.callee].body).operations, functions)
    return only.name.removeprefix("arith.") if only.results == operations[1].operands else ""
