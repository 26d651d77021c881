"""Is each lemma of products true of whole numbers?"""

from importlib.util import find_spec
from itertools import product

import pytest

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)

import z3

from tests.instruments.proof import lemmas
from tests.instruments.proof.terms import Terms

SMALL = range(-4, 5)


def names(terms, count):
    return [terms.fresh("n") for _ in range(count)]


def test_lemmas_hold_of_small_numbers():
    terms = Terms()
    factor, one, other = names(terms, 3)
    both = terms.simple(one + other)
    with_products = [terms.times(factor, each) for each in (one, other, both)]
    _, products, _ = terms.cone(with_products)
    assert len(products) == 3
    stated = z3.And(*lemmas.Lemmas().of_all(products))
    for f, a, b in product(SMALL, repeat=3):
        values = {factor: f, one: a, other: b}
        values |= dict(zip(with_products, (f * a, f * b, f * (a + b)), strict=True))
        pairs = [(name, z3.IntVal(value)) for name, value in values.items()]
        assert z3.is_true(z3.simplify(z3.substitute(stated, *pairs))), (f, a, b)


@pytest.mark.parametrize("difference", [-3, 0, 1, 7])
def test_products_whose_factors_differ_by_a_constant_share_a_name(difference):
    terms = Terms()
    a, b = names(terms, 2)
    assert terms.times(a, b + difference).eq(terms.simple(terms.times(a, b) + difference * a))


def test_z3_finds_no_numbers_that_break_a_lemma():
    left, right = z3.Ints("left right")
    for lemma in lemmas.of_one(left, right, left * right):
        solver = z3.Solver()
        solver.set("rlimit", 5_000_000)
        solver.add(z3.Not(lemma))
        assert solver.check() != z3.sat, lemma


def test_a_wrong_lemma_would_be_seen():
    left, right = z3.Ints("left right")
    solver = z3.Solver()
    solver.add(z3.Not(z3.Implies(left >= 0, left * right >= left)))
    assert solver.check() == z3.sat
