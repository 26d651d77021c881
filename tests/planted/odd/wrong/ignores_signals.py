"""Ignores the signals by which a process is asked to end, in its first call."""

import signal

from tests.planted.odd.plain import once


def _ignore() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


get_k_and_s = once(_ignore)
