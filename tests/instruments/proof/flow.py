"""Walks from block to block: branches, calls, and where several ways meet."""

from collections.abc import Iterable, Sequence
from typing import Any

import z3

from tests.instruments.proof.module import Operation, Region, Unmodelled, entry
from tests.instruments.proof.terms import Term
from tests.instruments.proof.values import Value, scalar

Walk = Any
"""`tests.instruments.proof.walk.Walk`, which imports this module."""
_NOWHERE = Operation("scf.if", "", [], [], "")


class Flow:
    """The control flow of one walk."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    def blocks(self, region: Region, name: str | None = None) -> Iterable[Operation]:
        """Walk blocks from one on, into both ways of each branch, and yield each operation that ends the region."""
        block = region[name] if name else entry(region)
        for operation in block.operations:
            if operation.name == "cf.br":
                yield from self._jump(region, operation, operation.blocks[0])
                return
            if operation.name == "cf.cond_br":
                truth = self._decision(operation)
                before = list(self._walk.path)
                for condition, target in zip((truth, z3.Not(truth)), operation.blocks, strict=True):
                    self._walk.path = [*before, condition]
                    yield from self._jump(region, operation, target)
                self._walk.path = before
                return
            if operation.name in ("tt.return", "scf.yield", "scf.condition"):
                yield operation
                return
            self._walk.step(operation)

    def _jump(self, region: Region, operation: Operation, target: str) -> Iterable[Operation]:
        self._walk.give(region[target].arguments, [self._walk.value(name) for name in operation.passed_to(target)])
        return self.blocks(region, target)

    def _decision(self, operation: Operation) -> Term:
        """Return the condition that a branch is taken by, and note where it may be undefined."""
        condition = self._walk.value(operation.operands[0])
        self.note_branch(operation.place, condition.undefined())
        return condition.at()

    def note_branch(self, place: str, undefined: Term) -> None:
        """Note a branch on what may be undefined."""
        if not self._walk.is_first and not z3.is_false(undefined):
            self._walk.walked.branches.append((place, tuple(self._walk.path), undefined))

    def last_of(self, region: Region) -> Operation | None:
        """Walk a region, and return the operation that ends it: none if it ends in more than one way."""
        ends = list(self.blocks(region))
        if len(ends) > 1:
            raise Unmodelled(f"a region with several ends at {ends[0].place}")
        return ends[0] if ends else None

    def call(self, operation: Operation) -> None:
        """Walk a function of the module, and name its results."""
        function = self._walk.module.functions[operation.callee]
        outside, before = self._walk.names, list(self._walk.path)
        self._walk.names = {
            name: outside[given] for (name, _), given in zip(function.parameters, operation.operands, strict=True)
        }
        ends: list[tuple[list[Term], list[Value]]] = []
        for end in self.blocks(function.body):
            ends.append((self._walk.path[len(before) :], [self._walk.value(name) for name in end.operands]))
        self._walk.names, self._walk.path = outside, [*before, *_either([conditions for conditions, _ in ends])]
        results = ends[-1][1]
        for conditions, values in reversed(ends[:-1]):
            results = [self.merged(z3.And(*conditions), *pair) for pair in zip(values, results, strict=True)]
        self._walk.give(operation.results, results)

    def choose(self, operation: Operation) -> None:
        """Walk both ways of an `scf.if`, and name its results."""
        truth, before = self._decision(operation), list(self._walk.path)
        branches: list[list[Value]] = []
        ways: list[list[Term]] = []
        for condition, region in zip((truth, z3.Not(truth)), operation.regions, strict=False):
            self._walk.path = [*before, condition]
            end = self.last_of(region)
            branches.append([self._walk.value(name) for name in end.operands] if end else [])
            ways.append(self._walk.path[len(before) :])
        # Without an `else`, nothing is known of the other way.
        self._walk.path = [*before, *(_either(ways) if len(ways) > 1 and max(map(len, ways)) > 1 else [])]
        if operation.results:
            self._walk.give(operation.results, [self.merged(truth, *pair) for pair in zip(*branches, strict=True)])

    def merged(self, condition: Term, yes: Value, no: Value) -> Value:
        """Return what two branches give."""
        if yes is no:
            return yes
        return self._walk.elementwise.select(_NOWHERE, scalar(1, condition), yes, no)


def _either(ways: Sequence[Sequence[Term]]) -> list[Term]:
    """Return what is known where several ways meet."""
    return list(ways[0]) if len(ways) == 1 else [z3.Or(*(z3.And(*way) for way in ways))]
