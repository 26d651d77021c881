"""Is a counterexample only held against a rule that is about such input?"""

from importlib.util import find_spec

import pytest

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)

from tests.contract import Rule
from tests.instruments.proof.premises import allows
from tests.instruments.proof.replay import Counterexample


def example(*reads: tuple[str, int, int, int], seq_len_sum: int = 5) -> Counterexample:
    numbers = {"batch": 2, "num_pages": 9, "max_pages": 1, "seq_len_sum": seq_len_sum, "max_seq_len": 4}
    numbers["lengths_stride"] = 1
    return Counterexample(numbers, {"lens_dtype": "int64"}, (0, 0, 0), "read", "buf", list(reads))


GOOD = (("seq_lens", 0, 8, 4), ("seq_lens", 8, 8, 1), ("page_indices", 0, 4, 8))


@pytest.mark.parametrize(
    ("case", "rules"),
    [
        (example(*GOOD), {10, 11, 12, 13, 15}),
        (example(*GOOD, seq_len_sum=6), {13, 15}),
        (example(*GOOD[:1]), {13, 15}),
        (example(*GOOD[:2], ("page_indices", 0, 4, 9)), {11, 15}),
        (example(("seq_lens", 0, 8, 6), ("seq_lens", 8, 8, -1)), {13, 15}),
    ],
)
def test_rules_that_an_input_is_held_against(case, rules):
    of_proofs = (Rule.STRIDES, Rule.INVALID_PAGES, Rule.BIG_ADDRESSES, Rule.DISAGREEMENT, Rule.UNDEFINED)
    assert {int(rule) for rule in of_proofs if allows(rule, case)} == rules
