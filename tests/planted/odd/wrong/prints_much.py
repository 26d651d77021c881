"""Prints megabytes to both outputs in its first call."""

import sys

from tests.planted.odd.plain import once


def _print() -> None:
    for stream in (sys.stdout, sys.stderr):
        print("every byte of this is of no interest " * 100_000, file=stream)


get_k_and_s = once(_print)
