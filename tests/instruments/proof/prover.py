"""Questions to z3, with a limit on its steps instead of seconds, so that an answer is the same on every machine."""

import time
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

import z3

from tests.instruments.proof.lemmas import Lemmas
from tests.instruments.proof.terms import Term, Terms

QUICK = 500_000
"""Steps of z3 for a question whose answer only helps: what it can show, it shows within fewer."""
MANY = 1_500_000
"""Steps for a question about many statements at once."""
THOROUGH = 12_000_000
"""Steps for the questions that are to be decided."""
MILLISECONDS = 60_000
"""Where steps are not counted; then the answer is that nothing is known."""


class Known(Enum):
    """What z3 says of a statement."""

    TRUE = "true"
    FALSE = "false"
    OPEN = "open"


_answers: dict[bytes, tuple[Any, dict[bytes, Any] | None]] = {}
"""Of questions that were asked before, but for names: variants of a kernel have much in common. With each, the values
of a model by the names' labels."""


class Prover:
    """Asks about statements that are to follow from what always holds.

    Args:
        terms: of the proof.
        always: what always holds.
        patience: by how much z3 gets more steps than usual.
    """

    def __init__(self, terms: Terms, always: list[Term], patience: int = 1) -> None:
        self.terms = terms
        self.always = always
        self._patience = patience
        self.queries = 0
        self.seconds = 0.0
        self._lemmas = Lemmas()
        self._by_name: dict[int, list[Term]] = {}
        for fact in always:
            for name in terms.names_in(fact):
                self._by_name.setdefault(name, []).append(fact)
        self._known: dict[tuple[Any, ...], bool] = {}

    def proves(self, given: Sequence[Term], statement: Term, steps: int = QUICK) -> bool:
        """Whether a statement follows; False also where that is not known."""
        statement = self.terms.simple(statement)
        if z3.is_true(statement):
            return True
        key = (statement.get_id(), *(term.get_id() for term in given))
        if key not in self._known:
            for term in given:
                self.terms.keep(term)
            self._known[key] = self._check(given, statement, steps)[0] == z3.unsat
        return self._known[key]

    def decide(self, given: Sequence[Term], statement: Term) -> tuple[Known, Any]:
        """Return whether a statement follows, and where it does not, a model in which products are products."""
        statement = self.terms.simple(statement)
        if z3.is_true(statement):
            return Known.TRUE, None
        answer, model, products = self._check(given, statement, THOROUGH)
        if answer == z3.unsat:
            return Known.TRUE, None
        if answer == z3.sat and all(
            z3.is_true(model.eval(name == left * right, model_completion=True)) for left, right, name in products
        ):
            return Known.FALSE, model
        answer, model, _ = self._check(given, statement, THOROUGH, with_products=True)
        if answer == z3.unsat:
            return Known.TRUE, None
        return (Known.FALSE, model) if answer == z3.sat else (Known.OPEN, None)

    def possible(self, given: Sequence[Term]) -> Known:
        """Return whether everything that is given can hold at once."""
        answer, *_ = self._check(given, z3.BoolVal(False), THOROUGH)
        return _known(answer == z3.sat, answer == z3.unsat)

    def ask(self, given: Sequence[Term], statement: Term) -> tuple[Known, Any]:
        """Return whether a statement follows, and where it does not, a model, its products as z3 likes them."""
        answer, model, _ = self._check(given, statement, MANY)
        return _known(answer == z3.unsat, answer == z3.sat), model

    def _check(self, given: Sequence[Term], statement: Term, steps: int, with_products: bool = False) -> Any:
        """Return z3's answer to whether the statement can be false, a model if so, and the products in question."""
        steps = steps if steps == THOROUGH else steps * self._patience
        asked = [*given, z3.Not(statement)]
        facts, products, names = self.terms.cone(asked, self._by_name)
        asked += [*facts, *self._lemmas.of_all(products)]
        if with_products:
            asked += [name == left * right for left, right, name in products]
        by_digest = {self.terms.digest(term): term for term in asked}
        order = sorted(by_digest)
        key = b"".join([str((steps, with_products)).encode(), *order])
        if key not in _answers:
            self.queries += 1
            # In a context of its own, and in this order: an answer does not depend on what was asked before.
            context = z3.Context()
            solver = z3.SolverFor("QF_NIA", ctx=context) if with_products else z3.SimpleSolver(ctx=context)
            solver.set("rlimit", steps)
            solver.set("timeout", MILLISECONDS)
            solver.add(z3.And(*(by_digest[digest] for digest in order)).translate(context))
            began = time.monotonic()
            answer = solver.check()
            self.seconds += time.monotonic() - began
            model = solver.model() if answer == z3.sat else None
            _answers[key] = answer, self._values_of(model, names) if model is not None else None
        answer, values = _answers[key]
        return answer, None if values is None else self._model_of(values, names), products

    def _values_of(self, model: z3.ModelRef, names: Iterable[int]) -> dict[bytes, Any]:
        """Return what names have in a model of another context."""
        named = {name.decl().name(): name for name in map(self.terms.by_number.__getitem__, names)}
        values = {declaration.name(): model[declaration] for declaration in model.decls() if not declaration.arity()}
        return {
            self.terms.label(named[name]): z3.is_true(value) if z3.is_bool(value) else value.as_long()
            for name, value in values.items()
            if name in named
        }

    def _model_of(self, values: dict[bytes, Any], names: Iterable[int]) -> z3.ModelRef:
        """Return a model of the own context, in which names have the values of their labels."""
        solver = z3.Solver()
        for name in map(self.terms.by_number.__getitem__, names):
            value = values.get(self.terms.label(name))
            if value is not None:
                solver.add(name == value)
        solver.check()
        return solver.model()


def _known(is_true: bool, is_false: bool) -> Known:
    return Known.TRUE if is_true else Known.FALSE if is_false else Known.OPEN
