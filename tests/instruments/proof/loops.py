"""Loops: an invariant that holds at the start and after each round stands for any number of rounds.

Candidates are of a few forms, with the numbers that the kernel compares with. What does not hold at the start is
dropped, and then what a round does not keep, until all that is left is kept (Houdini's way).
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import z3

from tests.instruments.proof.kept import kept
from tests.instruments.proof.module import Operation, Unmodelled, entry
from tests.instruments.proof.terms import Term, Terms, bounds, is_number
from tests.instruments.proof.values import ALWAYS, Value, scalar

Walk = Any
"""`tests.instruments.proof.walk.Walk`, which imports this module."""
Claim = Callable[[Sequence[Term]], Term]
"""A statement of the numbers that a loop carries."""
MOST_ROUNDS = 4
"""Of a loop that is walked round by round."""
_WIDE = 64
"""Bits of numbers that are worth the question whether they are bounded by one another."""


class _Round(NamedTuple):
    """One round: whether it takes place, what the loop gives if not, and what is carried into the next."""

    condition: Term
    results: list[Value]
    carried: list[Value]
    path: list[Term]
    """What holds when the condition is known to."""


class Loops:
    """Walks the loops of one walk."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self.depth = 0
        """In how many loops of any number of rounds the walk stands."""

    def run(self, operation: Operation) -> None:
        """Walk a loop, and name its results."""
        walk = self._walk
        starts = [walk.value(name) for _, name in operation.pairs()]
        if walk.sequences is not None and all(not value.shape for value in starts):
            few = self._round_by_round(operation, starts)
            if few is not None:
                walk.give(operation.results, few)
                return
        self.depth += 1
        results = self._any_rounds(operation, starts)
        self.depth -= 1
        walk.give(operation.results, results)

    def _round(self, operation: Operation, carried: Sequence[Value], given: list[Term]) -> _Round:
        """Walk one round from what is carried into it."""
        walk = self._walk
        condition, results = self._condition(operation, carried, given)
        walk.path = [*given, condition]
        body = operation.regions[-1]
        if operation.name == "scf.while":
            walk.give(entry(body).arguments, results)
        end = walk.flow.last_of(body)
        after = [walk.value(name) for name in end.operands] if end else []
        if operation.name == "scf.for":
            # Past the last round the step does not count, so that it cannot wrap.
            step = walk.value(self._of_range(operation, "step"))
            counted = walk.terms.simple(carried[0].at() + step.at())
            after = [Value((), carried[0].width, lambda: counted, carried[0].undefined), *after]
        path, walk.path = walk.path, list(given)
        return _Round(condition, results, after, path)

    def _condition(self, operation: Operation, carried: Sequence[Value], given: list[Term]) -> tuple[Term, list[Value]]:
        """Return whether a round takes place, and what the loop gives if not."""
        walk = self._walk
        walk.path = list(given)
        walk.give([name for name, _ in operation.pairs()], carried)
        if operation.name == "scf.while":
            end = walk.flow.last_of(operation.regions[0])
            if end is None:
                raise Unmodelled(f"a loop without a condition at {operation.place}")
            decision = walk.value(end.operands[0])
            walk.flow.note_branch(operation.place, decision.undefined())
            return decision.at(), [walk.value(name) for name in end.operands[1:]]
        limit = walk.value(self._of_range(operation, "to"))
        walk.flow.note_branch(operation.place, walk.terms.simple(z3.Or(limit.undefined(), carried[0].undefined())))
        return walk.terms.simple(carried[0].at() < limit.at()), list(carried)

    def _of_range(self, operation: Operation, word: str) -> str:
        match = re.search(rf" {word} (%[\w.$-]+(?:#\d+)?)", operation.text)
        if match is None or "scf.for unsigned" in operation.text:
            raise Unmodelled(f"{operation.text[:60]} at {operation.place}")
        return match[1]

    def _results(self, operation: Operation, results: list[Value]) -> list[Value]:
        return results[1:] if operation.name == "scf.for" else results

    def _round_by_round(self, operation: Operation, starts: list[Value]) -> list[Value] | None:
        """Return the results of a loop that ends after a few rounds; None of another."""
        walk, given, carried = self._walk, list(self._walk.path), starts
        before = walk.walked.mark()
        for _ in range(MOST_ROUNDS + 1):
            here = walk.walked.mark()
            turn = self._round(operation, carried, given)
            if walk.prover.proves(given, z3.Not(turn.condition)):
                walk.walked.forget(here)
                return self._results(operation, turn.results)
            takes_place = scalar(1, turn.condition)
            carried = [
                walk.elementwise.select(operation, takes_place, after, held)
                for after, held in zip(turn.carried, carried, strict=True)
            ]
        walk.walked.forget(before)
        return None

    def _any_rounds(self, operation: Operation, starts: list[Value]) -> list[Value]:
        walk, given = self._walk, list(self._walk.path)
        counts = list(walk.sums.counts)
        anything = [self._anything(value) for value in starts]
        numbers = [place for place, (_, term) in enumerate(anything) if term is not None]
        carried_terms = [anything[place][1] for place in numbers]
        if walk.is_first:
            turn = self._round(operation, [value for value, _ in anything], given)
            steps = [walk.terms.simple(turn.carried[place].at() - anything[place][1]) for place in numbers]
            walk.found.steps[operation.text] = [step.as_long() if is_number(step) else 0 for step in steps]
            return self._results(operation, turn.results)
        first = [starts[place].at() for place in numbers]
        clean = [walk.prover.proves(given, z3.Not(_undefined(walk, value))) for value in starts]

        condition, _ = self._condition(operation, [value for value, _ in anything], given)
        widths = [starts[place].width for place in numbers]
        all_claims = self._claims(operation, condition, carried_terms, widths, first)
        # What held of this loop in another variant is tried first: most often it is all that is needed here.
        loop = ("loop", operation.place, *(claim.func.__name__ for claim in all_claims))  # type: ignore[attr-defined]
        hint = kept().read(*loop) if walk.patience == 1 else None
        mark = walk.walked.mark()
        claims = self._kept(all_claims if hint is None else [all_claims[place] for place in hint], given, first)
        if hint is not None and len(claims) < len(hint):
            hint, claims = None, self._kept(all_claims, given, first)
        while True:
            walk.walked.forget(mark)
            walk.sums.counts = list(counts)
            held = [*given, *(claim(carried_terms) for claim in claims)]
            carried = [
                value if is_clean else _tainted(value) for (value, _), is_clean in zip(anything, clean, strict=True)
            ]
            turn = self._round(operation, carried, held)
            still_hold = self._kept(claims, turn.path, [turn.carried[place].at() for place in numbers])
            still = [
                is_clean and walk.prover.proves(turn.path, z3.Not(_undefined(walk, value)))
                for is_clean, value in zip(clean, turn.carried, strict=True)
            ]
            if len(still_hold) == len(claims) and still == clean:
                break
            if len(still_hold) < len(claims) and hint is not None:
                hint, claims = None, self._kept(all_claims, given, first)
            else:
                claims, clean = still_hold, still
        if hint is None:
            kept().write([place for place, claim in enumerate(all_claims) if claim in claims], *loop)
        walk.sums.counts = counts
        walk.path = [*held, z3.Not(turn.condition)]
        return self._results(operation, turn.results)

    def _anything(self, start: Value) -> tuple[Value, Term | None]:
        """Return a value of which nothing is known but its type, and its term if it is one number or address."""
        walk = self._walk
        if start.shape:
            width = start.width
            if width is None or width == 1:
                raise Unmodelled("a loop that carries addresses or truth values in lanes")
            return Value(start.shape, width, lambda *lane: walk.terms.between("carried", *bounds(width))), None
        if start.width == 1:
            truth = walk.terms.fresh_truth("carried")
            return Value((), 1, lambda: truth), None
        low, high = bounds(start.width or 64)
        term = walk.terms.between("carried", low, high) if start.width else walk.terms.fresh("carried")
        return Value((), start.width, lambda: term, root=start.root, item=start.item), term

    def _claims(
        self,
        operation: Operation,
        condition: Term,
        carried: Sequence[Term],
        widths: Sequence[int | None],
        first: Sequence[Term],
    ) -> list[Claim]:
        """Return the candidates."""
        walk, claims = self._walk, list[Claim]()
        in_condition = walk.terms.names_in(condition)
        compared = [term for term in walk.candidates.compared if walk.terms.names_in(term) <= in_condition]
        limits = [*compared, *(term for term in walk.candidates.cut_to if not any(term.eq(each) for each in compared))]
        steps = walk.candidates.steps[operation.text]
        counter = next((place for place, step in enumerate(steps) if step > 0), 0)
        # A claim is one of the numbers that are carried: what else changes from round to round may not stand in it.
        known = walk.rigid | {term.get_id() for term in carried}
        conjuncts = condition.children() if z3.is_and(condition) else [condition]
        guards = [guard for guard in conjuncts if walk.terms.names_in(guard) <= known]
        for k in range(len(carried)):
            claims.append(partial(_at_least_0, k))
            for limit in limits:
                claims += [partial(_at_most, k, limit), partial(_below, k, limit)]
                if steps[k] > 0:
                    claims.append(partial(_at_most_or_0, k, limit + (steps[k] - 1)))
            for limit in walk.candidates.limits:
                if k != counter and not is_number(limit):
                    claims.append(partial(_at_most_times, walk.terms, k, counter, limit))
                    claims += [partial(_at_most, k, walk.terms.times(many, limit)) for many in compared]
            for by in sorted(walk.candidates.divisors) if widths[k] == _WIDE else ():
                claims += [partial(_at_most_of, k, by, j) for j in range(len(carried)) if j not in (k, counter)]
            for guard in guards:
                claims.append(partial(_first_while, carried, guard, k, first[k]))
                claims += [partial(_below_after, carried, guard, k, limit) for limit in limits]
        return claims

    def _kept(self, claims: list[Claim], given: list[Term], now: Sequence[Term]) -> list[Claim]:
        """Return the claims that hold of these numbers."""
        goals = [self._walk.terms.simple(claim(now)) for claim in claims]
        return [claims[place] for place in self._walk.prover.following(given, goals)]


def _at_least_0(k: int, now: Sequence[Term]) -> Term:
    return now[k] >= 0


def _at_most(k: int, limit: Term, now: Sequence[Term]) -> Term:
    return now[k] <= limit


def _below(k: int, limit: Term, now: Sequence[Term]) -> Term:
    return now[k] < limit


def _at_most_or_0(k: int, limit: Term, now: Sequence[Term]) -> Term:
    return now[k] <= z3.If(limit >= 0, limit, 0)


def _at_most_times(terms: Terms, k: int, counter: int, limit: Term, now: Sequence[Term]) -> Term:
    return now[k] <= terms.times(now[counter], limit)


def _at_most_of(k: int, by: int, j: int, now: Sequence[Term]) -> Term:
    return now[k] <= by * now[j]


def _first_while(carried: Sequence[Term], guard: Term, k: int, first: Term, now: Sequence[Term]) -> Term:
    return z3.Or(z3.Not(z3.substitute(guard, *zip(carried, now, strict=True))), now[k] == first)


def _below_after(carried: Sequence[Term], guard: Term, k: int, limit: Term, now: Sequence[Term]) -> Term:
    return z3.Or(z3.substitute(guard, *zip(carried, now, strict=True)), now[k] < limit)


def _undefined(walk: Walk, value: Value) -> Term:
    lane = tuple(walk.terms.lane(count, f"t{axis}") for axis, count in enumerate(value.shape))
    return value.undefined(*lane)


def _tainted(value: Value) -> Value:
    return Value(value.shape, value.width, value.at, lambda *lane: ALWAYS, root=value.root, item=value.item)
