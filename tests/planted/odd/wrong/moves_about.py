"""Changes the working directory and empties the environment in its first call."""

import os

from tests.planted.odd.plain import once


def _move() -> None:
    os.chdir("/")
    os.environ.clear()


get_k_and_s = once(_move)
