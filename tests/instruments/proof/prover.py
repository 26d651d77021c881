"""Questions to z3, with a limit on its steps instead of seconds, so that an answer is the same on every machine."""

import time
from collections.abc import Sequence
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


_answers: dict[tuple[str, ...], tuple[Any, Any]] = {}
"""Of questions that were asked before, word for word: variants of a kernel have much in common."""


class Prover:
    """Asks about statements that are to follow from what always holds.

    Args:
        terms: of the proof.
        always: what always holds.
    """

    def __init__(self, terms: Terms, always: list[Term]) -> None:
        self.terms = terms
        self.always = always
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
        asked = [*given, z3.Not(statement)]
        facts, products, _ = self.terms.cone(asked, self._by_name)
        asked += [*facts, *self._lemmas.of_all(products)]
        if with_products:
            asked += [name == left * right for left, right, name in products]
        key = (str(steps), *map(self.terms.text, asked))
        if key not in _answers:
            solver = z3.SolverFor("QF_NIA") if with_products else z3.Solver()
            solver.set("rlimit", steps)
            solver.set("timeout", MILLISECONDS)
            solver.add(*asked)
            began = time.monotonic()
            answer = solver.check()
            self.queries += 1
            self.seconds += time.monotonic() - began
            _answers[key] = answer, solver.model() if answer == z3.sat else None
        return *_answers[key], products


def _known(is_true: bool, is_false: bool) -> Known:
    return Known.TRUE if is_true else Known.FALSE if is_false else Known.OPEN
