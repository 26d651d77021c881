"""Changes the working directory and the environment in its first call."""

import os

from tests.planted.odd.plain import once


def _move() -> None:
    os.chdir("/")
    os.environ["PATH"] = os.environ["HOME"] = os.environ["TMPDIR"] = "/nowhere"
    os.environ["PYTHONPATH"] = "/nowhere"


get_k_and_s = once(_move)
