"""Ends before their time: what a signal or lost output does to a job. Needs the standard library only."""

import signal
import threading
from types import FrameType


class Stopped(KeyboardInterrupt):
    """The job has to end now; the text says why. It passes wherever a user's Ctrl-C does, and is undecided."""


class OutputLost(Stopped):
    """What the user should see cannot be written. The user is told when the process exits, where that is possible."""


_PENDING: list[Stopped] = []
"""Why another thread than the main one ended the job."""


def stop_on_signals() -> None:
    """Have SIGTERM and SIGHUP, such as a CI sends when its time is up, end the job as a Ctrl-C would."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wants it
            signal.signal(number, _stop)


def stop(reason: Stopped) -> None:
    """End the job, from whatever thread; the main one raises `Stopped`.

    Raises:
        Stopped: this is the main thread.
    """
    if threading.current_thread() is threading.main_thread():
        raise reason
    _PENDING.append(reason)
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGTERM)


def why(error: KeyboardInterrupt) -> str:
    """Return why a job was interrupted, in words."""
    return str(error) or "interrupted"


def _stop(number: int, frame: FrameType | None) -> None:
    # What is known is told now; a second signal must not get into that.
    for other in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise _PENDING[0] if _PENDING else Stopped(f"ended by {signal.Signals(number).name}")
