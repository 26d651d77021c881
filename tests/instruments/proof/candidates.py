"""Numbers that invariants of loops and bounds of sums may be made of: those that the kernel itself compares with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import z3

from tests.instruments.proof.module import Operation
from tests.instruments.proof.terms import Term
from tests.instruments.proof.values import Value, lanes

Walk = Any
"""`tests.instruments.proof.walk.Walk`, which imports this module."""


@dataclass
class Candidates:
    """What a first walk found."""

    compared: list[Term] = field(default_factory=list)
    cut_to: list[Term] = field(default_factory=list)
    divisors: set[int] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    """Tensors that the kernel stores into."""
    steps: dict[str, list[int]] = field(default_factory=dict)
    """By how much each number that a loop carries grows with a round, 0 if that is not always the same."""

    def note(self, walk: Walk, operation: Operation, operands: Sequence[Value]) -> None:
        """Note an operation's operands, and how many lanes a comparison lets through."""
        known = {"cmpi": self.compared, "minsi": self.cut_to}.get(operation.name.partition(".")[2])
        for operand in operands:
            origin = operand.origin
            if known is not None and origin is not None and not any(origin.eq(term) for term in known):
                known.append(origin)
        if operation.name == "arith.divsi" and operands[0].shape:
            by = operands[1].at(*lanes(walk.terms, operands[1].shape))
            if z3.is_int_value(by) and 2 <= by.as_long() <= 4096:
                self.divisors.add(by.as_long())
        if operation.name == "arith.cmpi" and not walk.is_first and len(operands[0].shape) == 1:
            self._count(walk, operation, *operands)

    def _count(self, walk: Walk, operation: Operation, left: Value, right: Value) -> None:
        """Note how many lanes `first + lane < bound` lets through."""
        predicate = operation.text.partition("cmpi ")[2].split(",")[0]
        if predicate not in ("slt", "sle"):
            return
        lane = walk.terms.lane(left.shape[0], "a0")
        first, bound = walk.terms.simple(left.at(lane) - lane), right.at(lane)
        if lane.get_id() not in walk.terms.names_in(first) | walk.terms.names_in(bound):
            walk.sums.counts.append(walk.terms.simple(bound - first + (predicate == "sle")))

    @property
    def limits(self) -> list[Term]:
        """Numbers that lanes may be bounded by: what they are cut to, and the tiles of so many."""
        one: list[Any] = [z3.IntVal(1)]
        tiles = [z3.simplify((term + by - 1) / by) for term in self.cut_to for by in sorted(self.divisors)]
        return [*self.cut_to, *one, *tiles]
