"""Proves what results hold, in calls of up to 3 sequences, whatever their lengths, pages and strides.

An element that a program stores belongs to a row, and so to a token, whose bytes it should be. Which program and lane
store an element is guessed, as a number made of its row and place. That each store is by the program and lane that are
guessed shows that no byte is written twice; that these do store it, that none is left out.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import z3

from tests.contract import Rule
from tests.instruments.proof.answers import FEW_SEQUENCES, PATIENCE, Answer, Obligation, with_common_conditions
from tests.instruments.proof.elements import Element, Elements, Form, Result, Right, lanes_of, results_of
from tests.instruments.proof.found import Access
from tests.instruments.proof.launch import TERMS, SymbolicLaunch
from tests.instruments.proof.module import Unmodelled
from tests.instruments.proof.premises import good_lengths
from tests.instruments.proof.prover import THOROUGH, Known, Prover
from tests.instruments.proof.terms import Term
from tests.instruments.proof.values import lanes
from tests.instruments.proof.walk import Walk

CONTENT_RULES = (Rule.BYTES, Rule.TABLE_TAIL, Rule.SAME_BYTES, Rule.INVALID_PAGES, Rule.TRAFFIC)
"""Rules of what results hold, and of how it gets there."""
SCOPE = f"in calls of up to {FEW_SEQUENCES[-1]} sequences"
"""Of what is proved here; no report leaves it out."""
_Found = Iterator[tuple[tuple[Rule, ...], str, str, str]]
"""Rules, place, what they are asked of, and why they are not proved, which is empty if they are."""


def contents(launches: Sequence[SymbolicLaunch], function: str, setting: Mapping[str, Any]) -> list[Obligation]:
    """Answer what results hold of launches that are alike but for their conditions.

    Returns:
        Obligations, PROVED or NOT DECIDED; none if no call of so few sequences is launched like this.
    """
    launch = with_common_conditions(launches)
    reasons: dict[tuple[Rule, str, str], str] = {}
    seconds: dict[tuple[Rule, str, str], float] = {}
    try:
        first = Walk(launch, None, setting["page_size"])
        first.run()
        for sequences in FEW_SEQUENCES:
            walk = Walk(launch, first.found, setting["page_size"], sequences)
            walk.run()
            if walk.prover.possible([*walk.prover.always, *good_lengths(walk)]) is Known.FALSE:
                continue
            began = time.monotonic()
            for rules, place, what, reason in _Contents(walk, function, setting).found():
                each, began = (time.monotonic() - began) / len(rules), time.monotonic()
                for rule in rules:
                    obligation = rule, place, what
                    reasons[obligation] = reasons.get(obligation) or reason
                    seconds[obligation] = seconds.get(obligation, 0.0) + each
    except Unmodelled as error:
        reasons = {(rule, launch.kernel, "results"): f"there is no model of {error}" for rule in CONTENT_RULES}
    return [
        Obligation(*of, Answer.NOT_DECIDED if why else Answer.PROVED, why or SCOPE, seconds=seconds.get(of, 0.0))
        for of, why in reasons.items()
    ]


_Numbers = list[tuple[Term, Form, Term]]
"""Names of numbers of programs and lanes, what they are, and of how many."""


class _Contents:
    """What one walk shows of the results."""

    def __init__(self, walk: Walk, function: str, setting: Mapping[str, Any]) -> None:
        self._walk = walk
        self._prover = walk.prover
        self._given = good_lengths(walk)
        self._elements = Elements(walk)
        self._results = results_of(walk, function, setting)
        accesses = walk.walked.accesses
        self._sizes = sorted({*walk.candidates.divisors, *(count for access in accesses for count in access.shape)})
        self._loads = [access for access in accesses if access.kind == "read" and access.root == "buf"]
        programs = {program.get_id() for program in walk.programs}
        without = [fact for fact in self._prover.always if not walk.terms.names_in(fact) & programs]
        self._without_programs = Prover(walk.terms, without)
        """Does not take it for granted that there is a program."""

    def found(self) -> _Found:
        needed: list[Access] = []
        for result in self._results:
            stores = [access for access in self._walk.walked.accesses if access.root == result.root]
            if not stores:
                raise Unmodelled(f"{result.what} that no store fills")
            if any(store.is_repeated for store in stores):
                raise Unmodelled(f"{result.what} that are stored in a loop of any number of rounds")
            numbers, reason = self._numbers(stores, result)
            for store in stores:
                yield from self._right(store, numbers, result)
            place, what = stores[0].place, f"each byte of {result.what}"
            reason = reason or self._twice(stores)
            yield (Rule.SAME_BYTES,), place, what, reason
            yield (Rule.BYTES,), place, what, reason or self._left_out(stores, numbers, result)
            if not reason:
                needed += self._needed(stores, numbers, result)
        for load in self._loads:
            reason = "" if load in needed else "it may be of bytes that are not needed, or that are read elsewhere"
            yield (Rule.TRAFFIC,), load.place, "read of buf", reason

    def _follows(self, given: Iterable[Term], statement: Term, prover: Prover | None = None) -> bool:
        return (prover or self._prover).decide([*self._given, *given], statement)[0] is Known.TRUE

    def _is_seen(self, given: Iterable[Term], statement: Term, steps: int = THOROUGH) -> bool:
        """Whether a statement that only helps follows; what is open is not asked again, with products that are true."""
        return self._prover.proves([*self._given, *given], statement, steps)

    def _right(self, store: Access, numbers: "_Numbers", result: Result) -> _Found:
        """Yield whether it is the right bytes that are stored, where pages exist and where not."""
        elements, value = self._elements.at(store.offset, result), store.value() if store.value else None
        whole = [elements[0].at + store.size <= result.row_bytes, z3.Or(*(each.is_here for each in elements))]
        if store.size > 1:
            whole.append(self._elements.buf.strides[1] == 1)
        of_pages = of_others = "" if self._follows(store.given, z3.And(*whole)) else "it may not be of one row"
        for element in elements:
            given = self._known_of(element, numbers, store.given)
            right = self._elements.right(element, store.size)
            of_page = [*given, element.is_page]
            of_page += self._same_bytes(of_page, value, element, right)
            if not of_pages and not self._follows(of_page, value == right.number):
                of_pages = "it may be other bytes than those of its token"
            if not of_others and not self._follows([*given, z3.Not(element.is_page)], value == 0):
                of_others = "it may be other than 0 where there is no such page"
        yield (Rule.BYTES, Rule.TABLE_TAIL), store.place, f"write of {result.what}", of_pages
        yield (Rule.INVALID_PAGES,), store.place, f"write of {result.what}", of_others

    def _known_of(self, element: Element, numbers: "_Numbers", given: Sequence[Term]) -> list[Term]:
        """Return that something is of an element's sequence, and what follows from that and helps to see more."""
        known = [*given, element.is_here, *(name == form(element) for name, form, _ in numbers)]
        step = self._elements.buf.strides[1]
        helpful = [step == 1, *(read.number == element.page for read in self._elements.read_pages)]
        for statement in helpful:
            known += [statement] if self._is_seen(known, statement) else []
        return known

    def _same_bytes(self, given: Sequence[Term], value: Term, element: Element, right: Right) -> list[Term]:
        """Return that what is stored was read where the element's bytes are, if that follows."""
        _, _, names = self._walk.terms.cone([value])
        read = [each for each in right.alike if each.number.get_id() in names]
        return [each.number == right.number for each in read if self._is_seen(given, each.offset == element.source)]

    def _numbers(self, stores: list[Access], result: Result) -> tuple["_Numbers", str]:
        """Return each number of a program or lane with its form and its limit, and why that is not known."""
        if len({(store.size, store.shape) for store in stores}) > 1:
            return [], "it is stored by lanes of several shapes"
        shape, size = stores[0].shape, stores[0].size
        for store in stores:
            if not self._follows(store.given, self._elements.at(store.offset, result)[0].at % size == 0):
                return [], "what is stored at once may overlap"
        units = result.row_bytes // size
        sizes = sorted({*self._sizes, *(count // units for count in shape if count % units == 0)})
        axes = zip(self._walk.programs, self._walk.grid, strict=True)
        counts = zip(lanes(self._walk.terms, shape), map(z3.IntVal, shape), strict=True)
        asked: list[tuple[Term, Term, Callable[[Sequence[int]], Iterator[Form]]]] = [
            *((name, limit, self._elements.programs) for name, limit in axes),
            *((name, limit, partial(lanes_of, result, size)) for name, limit in counts if limit.as_long() > 1),
        ]
        found: _Numbers = []
        for name, limit, forms in asked:
            tries = ((steps, form) for steps in (THOROUGH, PATIENCE * THOROUGH) for form in forms(sizes))
            form = next((form for steps, form in tries if self._is(steps, name, form, found, stores, result)), None)
            if form is None:
                return [], "it is not known by which program and lane"
            found.append((name, form, limit))
        return found, ""

    def _is(self, steps: int, name: Term, form: Form, known: "_Numbers", stores: list[Access], result: Result) -> bool:
        """Whether a number is of a form, of whatever is stored, where others are known."""
        return all(
            self._is_seen(
                [*store.given, element.is_here, *(other == of(element) for other, of, _ in known)],
                name == form(element),
                steps,
            )
            for store in stores
            for element in self._elements.at(store.offset, result)
        )

    def _twice(self, stores: list[Access]) -> str:
        """Return where one program and lane may store an element twice; nothing if nowhere."""
        for place, one in enumerate(stores):
            for other in stores[:place]:
                if not self._follows([*one.given, *other.given], one.offset != other.offset):
                    return f"it may be stored at {other.place} and again at {one.place}"
        return ""

    def _left_out(self, stores: list[Access], numbers: "_Numbers", result: Result) -> str:
        """Return why some byte may not be stored; nothing if all are."""
        size = stores[0].size
        row = self._walk.terms.between("row", 0, TERMS["seq_len_sum"] - 1)
        unit = self._walk.terms.between("unit", 0, result.row_bytes // size - 1)

        def is_there(store: Access, given: Sequence[Term]) -> bool:
            return self._follows(given, store.offset == result.row_bytes * row + size * unit)

        for element in self._elements.of_row(row, size * unit, result):
            given = [element.is_here]
            for _, form, limit in numbers:
                number = form(element)
                if not self._follows(given, z3.And(number >= 0, number < limit), self._without_programs):
                    return "there may be no program that stores it"
            is_any = self._prover.possible([*self._given, *given]) is not Known.FALSE
            given += [name == form(element) for name, form, _ in numbers]
            if is_any and self._prover.possible([*self._given, *given]) is Known.FALSE:
                return "what is known of the program that stores it contradicts itself"
            if not self._is_reached(stores, given, is_there):
                return "it may not be stored"
        return ""

    def _needed(self, stores: list[Access], numbers: "_Numbers", result: Result) -> list[Access]:
        """Return loads of which each lane reads what the same lane stores; of two that do, none is left out."""
        found = []
        for load in self._loads:
            after = [store for store in stores if store.given[: len(load.reached)] == load.reached]
            alike = [store for store in after if (store.shape, store.size) == (load.shape, load.size)]

            def is_for(store: Access, given: Sequence[Term], load: Access = load) -> bool:
                elements = self._elements.at(store.offset, result)
                return self._follows(given, z3.Or(*(each.is_here for each in elements))) and all(
                    self._follows(
                        self._known_of(each, numbers, given), z3.And(each.is_page, each.source == load.offset)
                    )
                    for each in elements
                )

            if not load.is_repeated and alike and self._is_reached(alike, load.given, is_for, len(load.reached)):
                found.append(load)
        pairs = [(one, other) for place, one in enumerate(found) for other in found[:place]]
        is_once = all(self._follows([*one.given, *other.given], z3.BoolVal(False)) for one, other in pairs)
        return found if is_once else []

    def _is_reached(
        self,
        stores: list[Access],
        given: Sequence[Term],
        is_wanted: Callable[[Access, Sequence[Term]], bool],
        depth: int = 0,
    ) -> bool:
        """Whether one of the stores takes place, and as wanted.

        Its conditions are shown one after the other, as the walk met them: what is known of a number may rest on the
        conditions before it.
        """
        ended = [store for store in stores if len(store.given) == depth]
        if ended:
            return is_wanted(ended[0], given)
        ways: dict[int, tuple[Term, list[Access]]] = {}
        for store in stores:
            ways.setdefault(store.given[depth].get_id(), (store.given[depth], []))[1].append(store)
        return self._follows(given, z3.Or(*(condition for condition, _ in ways.values()))) and all(
            self._is_reached(some, [*given, condition], is_wanted, depth + 1) for condition, some in ways.values()
        )
