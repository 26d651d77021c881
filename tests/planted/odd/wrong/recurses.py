"""Calls itself for ever, beyond a page."""

from tests.planted.odd.plain import right_up_to_a_page


def _recurse() -> None:
    _recurse()


get_k_and_s = right_up_to_a_page(_recurse)
