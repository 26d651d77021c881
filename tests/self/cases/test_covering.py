"""Does each value meet each other, in few rows, and do batches and lengths stand where searches and tiles end?"""

from tests.cases import batches, crossed, seeds
from tests.cases.covering import all_pairs, covering, pairs_of
from tests.contract import Contract, Rule


def test_every_pair_is_covered():
    pairs = set[tuple[object, ...]]().union(*map(pairs_of, crossed.CROSSED))
    assert pairs == all_pairs(crossed.FACTORS)
    assert len(pairs) > 500
    assert len(crossed.CROSSED) < 50
    firsts = [case.first for case in crossed.CASES]
    assert all(firsts.count(function) > 10 for function in crossed.FACTORS["first"])


def test_rows_are_the_same_each_time():
    factors = {"a": (1, 2, 3), "b": (4, 5), "c": (6, 7)}
    assert covering(factors) == covering(factors)
    assert 6 <= len(covering(factors)) <= 9


def test_batches_about_each_power_of_two_are_full_and_have_empty_ends():
    kinds = {
        (len(case.seq_lens), case.seq_lens[0] > 0, case.seq_lens[-1] > 0)
        for case in batches.CASES
        if min(case.seq_lens[1:-1], default=0)
    }
    for power in range(2, 11):
        assert (2**power - 1, True, True) in kinds
        assert {count for count, *_ in kinds} >= {2**power - 1, 2**power, 2**power + 1}
    for off in (-1, 0, 1):
        assert {(first, last) for count, first, last in kinds if (count - off) & (count - off - 1) == 0} >= {
            (True, True),
            (False, True),
            (True, False),
        }


def test_every_edge_is_the_length_of_a_sequence():
    lengths = {length for case in crossed.CASES for length in case.seq_lens}
    assert lengths >= set(crossed.edges(130)) | set(crossed.edges(crossed.LONGEST, least=131))
    assert {131_071, 131_072, 98_303, 81_921, 114_688} <= lengths


def test_a_third_of_the_random_cases_is_for_trusting_kernels():
    cases = seeds.random_cases(0, 300)
    trusting = [case for case in cases if max(Rule(rule).level for rule in case.rules) is Contract.TRUSTING]
    assert len(trusting) >= 100
    assert max(len(case.seq_lens) for case in trusting) > 550
