"""Are bad arguments refused, by name and before any launch?"""

import pytest


@pytest.mark.catalogue("arguments")
def test_bad_argument_is_refused(case, examine):
    examine(case)
