"""Skips the test that it is called in, beyond a page."""

import pytest

from tests.planted.odd.plain import right_up_to_a_page

get_k_and_s = right_up_to_a_page(lambda: pytest.skip("not for me"))
