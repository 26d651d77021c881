"""Questions to z3, with a limit on its steps instead of seconds, so that an answer is the same on every machine."""

import time
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

import z3

from tests.instruments.proof.kept import kept
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


_ANSWERS = {"sat": z3.sat, "unsat": z3.unsat}


class Known(Enum):
    """What z3 says of a statement."""

    TRUE = "true"
    FALSE = "false"
    OPEN = "open"


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
        key = (steps, statement.get_id(), *(term.get_id() for term in given))
        if key not in self._known:
            for term in given:
                self.terms.keep(term)
            self._known[key] = self._check(given, statement, steps)[0] == z3.unsat
        return self._known[key]

    def decide(self, given: Sequence[Term], statement: Term, steps: int = THOROUGH) -> tuple[Known, Any]:
        """Return whether a statement follows, and where it does not, a model in which products are products."""
        statement = self.terms.simple(statement)
        if z3.is_true(statement):
            return Known.TRUE, None
        answer, model, products = self._check(given, statement, steps)
        if answer == z3.unsat:
            return Known.TRUE, None
        if answer == z3.sat and all(
            z3.is_true(model.eval(name == left * right, model_completion=True)) for left, right, name in products
        ):
            return Known.FALSE, model
        answer, model, _ = self._check(given, statement, steps, with_products=True)
        if answer == z3.unsat:
            return Known.TRUE, None
        return (Known.FALSE, model) if answer == z3.sat else (Known.OPEN, None)

    def possible(self, given: Sequence[Term]) -> Known:
        """Return whether everything that is given can hold at once."""
        answer, *_ = self._check(given, z3.BoolVal(False), THOROUGH)
        return _known(answer == z3.sat, answer == z3.unsat)

    def following(self, given: Sequence[Term], statements: Sequence[Term]) -> list[int]:
        """Return the places of statements that follow; not of those of which that is not known."""
        facts, products, _ = self.terms.cone([*given, *statements], self._by_name)
        known = {self.terms.digest(term): term for term in (*given, *facts, *self._lemmas.of_all(products))}
        digests = [self.terms.digest(statement) for statement in statements]
        places = sorted(range(len(statements)), key=digests.__getitem__)
        steps = MANY * self._patience
        order = sorted(known)
        key = ("following", steps, b"".join(order), b"".join(digests[place] for place in places))
        found = kept().read(*key)
        if found is None:
            self.queries += 1
            began = time.monotonic()
            all_known = self.terms.all_of([known[digest] for digest in order])
            found = _Statements(all_known, [statements[place] for place in places], steps).following()
            self.seconds += time.monotonic() - began
            kept().write(found, *key)
        return sorted(places[number] for number in found)

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
        # Questions that are the same but for names have one answer: variants of a kernel have much in common.
        key = ("question", steps, with_products, b"".join(order))
        found = kept().read(*key)
        if found is None:
            found = self._answered([by_digest[digest] for digest in order], steps, with_products, names)
            if found[0] != "timeout":
                kept().write(found, *key)
        answer, values = found
        return _ANSWERS.get(answer, z3.unknown), None if values is None else self._model_of(values, names), products

    def _answered(self, asked: list[Term], steps: int, with_products: bool, names: Iterable[int]) -> list[Any]:
        """Return z3's answer in a word, and the values of a model, if there is one, by the names' labels."""
        self.queries += 1
        solver = _solver(steps, "QF_NIA" if with_products else None)
        solver.add(self.terms.all_of(asked).translate(solver.ctx))
        began = time.monotonic()
        answer = solver.check()
        seconds = time.monotonic() - began
        self.seconds += seconds
        if answer == z3.unknown and seconds >= MILLISECONDS / 1_000:
            return ["timeout", None]  # of this machine at this time
        return [str(answer), self._values_of(solver.model(), names) if answer == z3.sat else None]

    def _values_of(self, model: z3.ModelRef, names: Iterable[int]) -> dict[str, Any]:
        """Return what names have in a model of another context."""
        named = {name.decl().name(): name for name in map(self.terms.by_number.__getitem__, names)}
        values = {declaration.name(): model[declaration] for declaration in model.decls() if not declaration.arity()}
        return {
            self.terms.label(named[name]).hex(): z3.is_true(value) if z3.is_bool(value) else value.as_long()
            for name, value in values.items()
            if name in named
        }

    def _model_of(self, values: dict[str, Any], names: Iterable[int]) -> z3.ModelRef:
        """Return a model of the own context, in which names have the values of their labels."""
        solver = z3.Solver()
        for name in map(self.terms.by_number.__getitem__, names):
            value = values.get(self.terms.label(name).hex())
            if value is not None:
                solver.add(name == value)
        solver.check()
        return solver.model()


class _Statements:
    """Statements that may follow from what is known: one solver is asked about them again and again, and learns."""

    def __init__(self, known: Term, statements: Sequence[Term], steps: int) -> None:
        self._solver = _solver(steps)
        context = self._solver.ctx
        self._solver.add(known.translate(context))
        self._truths = [z3.Bool(f"statement!{number}", context) for number in range(len(statements))]
        for truth, statement in zip(self._truths, statements, strict=True):
            self._solver.add(truth == statement.translate(context))

    def following(self) -> list[int]:
        """Return the numbers of those that follow: each model of some that do not is the end of all false in it."""
        left = list(range(len(self._truths)))
        while left:
            answer, false = self._asked(left)
            if answer == z3.unsat:
                return left
            if not false:
                return self._one_by_one(left)
            left = [number for number in left if number not in false]
        return left

    def _one_by_one(self, left: list[int]) -> list[int]:
        found: list[int] = []
        while left:
            answer, false = self._asked(left[:1], left)
            if answer == z3.unsat:
                found.append(left[0])
            left = [number for number in left[1:] if number not in false]
        return found

    def _asked(self, some: list[int], others: Sequence[int] = ()) -> tuple[Any, set[int]]:
        """Return whether any of some statements can be false, and those of all that are, in a model."""
        self._solver.push()
        self._solver.add(z3.Not(z3.And(*(self._truths[number] for number in some))))
        answer, false = self._solver.check(), set[int]()
        if answer == z3.sat:
            model = self._solver.model()
            false = {n for n in (*some, *others) if z3.is_false(model.eval(self._truths[n], model_completion=True))}
        self._solver.pop()
        return answer, false


def _solver(steps: int, logic: str | None = None) -> z3.Solver:
    """Return a solver in a context of its own: an answer does not depend on what was asked before."""
    context = z3.Context()
    solver = z3.SolverFor(logic, ctx=context) if logic else z3.SimpleSolver(ctx=context)
    solver.set("rlimit", steps)
    solver.set("timeout", MILLISECONDS)
    return solver


def _known(is_true: bool, is_false: bool) -> Known:
    return Known.TRUE if is_true else Known.FALSE if is_false else Known.OPEN
