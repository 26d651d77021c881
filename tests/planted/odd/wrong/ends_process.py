"""Ends its process at once with a good exit code, beyond a page."""

import os

from tests.planted.odd.plain import right_up_to_a_page

get_k_and_s = right_up_to_a_page(lambda: os._exit(0))
