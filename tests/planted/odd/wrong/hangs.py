"""Loops for ever in Python, beyond a page."""

from tests.planted.odd.plain import right_up_to_a_page


def _hang() -> None:
    while True:
        pass


get_k_and_s = right_up_to_a_page(_hang)
