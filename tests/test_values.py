"""Is every byte right? Lengths, batches, page tables, bit patterns, geometries, production shapes, random cases."""

import pytest


@pytest.mark.catalogue("values")
def test_rows_are_right(case, examine):
    examine(case)
