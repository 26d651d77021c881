"""Raises what a user's Ctrl-C raises, beyond a page."""

from tests.planted.odd.plain import right_up_to_a_page


def _interrupt() -> None:
    raise KeyboardInterrupt


get_k_and_s = right_up_to_a_page(_interrupt)
