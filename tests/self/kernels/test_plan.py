"""Are counts in a launch as wide as its programs need, also where the host's numbers contradict each other?"""

import pytest

from kernels.layout import PageLayout
from kernels.plan import MAX_GRID_Y, MAX_INT32, plan_launch

LAYOUT = PageLayout(64, 128)


@pytest.mark.parametrize(
    ("batch", "seq_len_sum", "longest"),
    [
        (65_537, 2_143_354_946, 194),  # far more rows than sequences of at most 194 tokens have
        (65_075_262, 130_200_000, 1),
        (MAX_GRID_Y, 2**31, 1),
        (65_537, 65_537 * 194, 194),
        (100_000, 2_000_000, 2_000_000),
    ],
)
def test_no_token_of_a_program_outgrows_its_counts(batch, seq_len_sum, longest):
    plan = plan_launch(LAYOUT, False, batch, seq_len_sum, longest)
    assert plan.wide_counts or plan.grid[0] * plan.tile <= MAX_INT32
