"""Memory of a GPU that workers and other processes share: who finds too little waits for room and examines again.

To wait beforehand costs a run more than the few cases that it helps: what is examined at a time nearly always fits.
"""

import fcntl
import time
from collections.abc import Callable
from pathlib import Path

from tests.cases.case import Case
from tests.cases.plan import num_pages_of
from tests.examine.examined import Examined

LARGE_BYTES = 1 << 29
"""What a case took beyond that, its process gives back at once. Less is kept for the next case: asking takes time."""
ROOM_BYTES = 2 << 30
"""What an examination takes beside its case: of libraries, and of what is kept for the next call."""
SETS_OF_RESULTS = 3
"""Results that live at a time: a call's, an earlier one's, and what they are compared with."""
LARGEST_SHARE = 0.8
"""Of a GPU's memory, which is room enough for any case."""
MOST_VAIN = 3
"""Examinations that lacked memory although there was room at once, until the implementation is taken for the cause."""
PAUSE_SECONDS = 3.0
"""Between them."""
MOST_SECONDS = 240.0
"""How long a case waits for memory, and is examined again where others were quicker to take it. Who has waited that
long in vain waits no more: somebody keeps the memory."""
LOOK_SECONDS = 0.2


def needed_bytes(case: Case) -> int:
    """Return about how many bytes of a GPU's memory the examination of a case takes."""
    pool = num_pages_of(case) * case.page_pitch
    table = len(case.seq_lens) * (case.table_width or 0) * (8 if case.table_dtype == "int64" else 4)
    rows = max(sum(case.seq_lens), case.seq_len_sum) * (case.index_head_dim + 4)
    return max([pool + table + SETS_OF_RESULTS * rows, *map(needed_bytes, case.calls)])


class SharedGpu:
    """The GPU that this worker shares with others.

    Args:
        lock: a file that the run's workers have in common.
        free: gives back what this process does not use, and returns the bytes that are free and those that there are.
        on_wait: told before a wait how many seconds it and what comes after may take.
        clock: seconds.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        lock: Path,
        free: Callable[[], tuple[int, int]],
        on_wait: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._lock = lock
        self._free = free
        self._on_wait = on_wait
        self._clock = clock
        self._sleep = sleep
        self._helps = True

    def examined(self, case: Case, examine: Callable[[], Examined]) -> Examined:
        """Return what the examination of a case comes to; where memory ran out, once there is room for it.

        Who runs out again and again although nobody else has the memory is not helped by waiting. Nor is a case of
        which something was found: that stands, and another examination may not see it again.
        """
        of, until, vain = examine(), self._clock() + MOST_SECONDS, 0
        while of.lacked_memory and not of.findings and self._helps and vain < MOST_VAIN and self._clock() < until:
            with self._lock.open("w") as file:
                waited = self._wait_for_room(2 * needed_bytes(case) + ROOM_BYTES, file.fileno(), until)
                self._on_wait(0)
                of = examine()
            if of.lacked_memory and not waited:  # others may have been quicker
                vain += 1
                self._pause(PAUSE_SECONDS)
        self._helps = self._helps and (not of.lacked_memory or bool(of.findings))
        return of

    def _wait_for_room(self, needed: int, lock: int, until: float) -> bool:
        """Wait until the others of the run that wait are done, and there is memory; return whether there was a wait."""
        waited = False
        # The lock is given free when its owner ends, however that ends.
        while not _locked(lock) or not self._has(needed):
            if self._clock() >= until:
                break
            self._pause(LOOK_SECONDS)
            waited = True
        return waited

    def _pause(self, seconds: float) -> None:
        self._on_wait(MOST_SECONDS)
        self._sleep(seconds)

    def _has(self, needed: int) -> bool:
        free, total = self._free()
        return free >= min(needed, int(LARGEST_SHARE * total))


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
