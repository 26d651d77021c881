"""Telling the user's Ctrl-C from a `KeyboardInterrupt` that examined code raises."""

import signal
from types import FrameType

_wishes: list[int] = []


def note_interruptions() -> None:
    """Note each SIGINT of this process from now on, where it raises `KeyboardInterrupt`. For the main thread."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def is_interrupted() -> bool:
    """Whether the user wants this process to stop."""
    return bool(_wishes)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _wishes.append(number)
    signal.default_int_handler(number, frame)
