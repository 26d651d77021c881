"""Does what it compiles stay the same while requests grow?"""

import pytest


@pytest.mark.catalogue("variants")
def test_variants_do_not_grow(case, examine):
    examine(case)
