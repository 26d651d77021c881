"""Raises an exception that is none of `Exception`, beyond a page."""

from tests.planted.odd.plain import right_up_to_a_page


class Enough(BaseException):
    """Not to be caught by `except Exception`."""


def _raise() -> None:
    raise Enough("enough")


get_k_and_s = right_up_to_a_page(_raise)
