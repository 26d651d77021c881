"""Are questions taken for the same only where they are, and do answers that were kept fit the names of whoever asks?"""

from collections.abc import Callable
from importlib.util import find_spec

import pytest

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)

import z3

from tests.instruments.proof.prover import Known, Prover
from tests.instruments.proof.terms import Term, Terms


def bounded(terms: Terms, before: int) -> tuple[Term, Term]:
    """Return a number from 0 to 9 and one from 5 to 6, after so many others."""
    for _ in range(before):
        terms.between("other", 0, 1)
    return terms.between("small", 0, 9), terms.between("some", 5, 6)


def digest(statement: Callable[[Term, Term], Term], before: int) -> bytes:
    terms = Terms()
    return terms.digest(statement(*bounded(terms, before)))


def same(x: Term, y: Term) -> Term:
    return x + y < 12


OTHERS = (
    lambda x, y: x + y < 13,
    lambda x, y: x - y < 12,
    lambda x, y: y - x < 12,
    lambda x, y: x + x < 12,
    lambda x, y: y + y < 12,
    lambda x, y: x + y <= 12,
    lambda x, y: z3.Not(x + y < 12),
)


def test_a_question_is_the_same_whatever_its_names_are():
    assert digest(same, 0) == digest(same, 7) == digest(lambda x, y: y + x < 12, 3)


@pytest.mark.parametrize("other", OTHERS)
def test_another_question_is_not(other):
    assert digest(other, 0) != digest(same, 0)


def test_numbers_of_which_the_same_is_known_are_not_the_same():
    terms = Terms()
    one, other = terms.between("small", 0, 9), terms.between("small", 0, 9)
    assert terms.label(one) != terms.label(other)
    assert terms.digest(one <= one) != terms.digest(one <= other)


def test_a_model_that_was_kept_has_the_names_of_who_asks(nothing_kept):
    for before in (0, 5):
        terms = Terms()
        small, some = bounded(terms, before)
        asking = Prover(terms, [])
        known, model = asking.decide([], z3.Or(small < some, small > some + 2))
        assert known is Known.FALSE
        value, limit = (model.eval(name).as_long() for name in (small, some))
        assert 5 <= limit <= value <= limit + 2 <= 9
        assert asking.queries == (before == 0)


def test_what_follows_for_one_does_not_for_another():
    terms = Terms()
    small, some = bounded(terms, 0)
    asking = Prover(terms, [])
    assert asking.proves([], small <= 9)
    assert not asking.proves([], some <= 5)
    assert asking.proves([some < 6], some <= 5)
