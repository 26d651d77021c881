"""Forks, and the child returns as its parent does, beyond a page: a second worker, if nobody ended it."""

import os

from tests.planted.odd.plain import right_up_to_a_page

get_k_and_s = right_up_to_a_page(os.fork)
