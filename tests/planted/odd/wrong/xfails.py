"""Marks the test that it is called in as one that fails rightly, beyond a page."""

import pytest

from tests.planted.odd.plain import right_up_to_a_page

get_k_and_s = right_up_to_a_page(lambda: pytest.xfail("known to fail"))
