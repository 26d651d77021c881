"""Does it touch nothing but its arguments and results? Invalid pages, huge pools, host and device at odds, state."""

import pytest


@pytest.mark.catalogue("memory")
def test_memory_is_left_alone(case, examine):
    examine(case)
