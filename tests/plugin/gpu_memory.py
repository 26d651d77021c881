"""Memory of a GPU that workers share: the largest cases are examined one at a time, once there is room for them."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cases.case import Case
from tests.cases.plan import num_pages_of
from tests.plugin.devices import CASE_BYTES

SMALL_BYTES = 4 * 2**30
"""A case that needs less waits for nothing: to ask for free memory costs a worker what it had cached."""
LARGE_BYTES = CASE_BYTES
"""Of cases that need more than what workers are counted by, a GPU's workers examine one at a time."""
SETS_OF_RESULTS = 3
"""Results that live at a time: a call's, an earlier one's, and what they are compared with."""
MOST_SECONDS = 60.0
"""How long a case waits for memory that nobody's large case holds; then it is examined all the same."""
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
        lock: a file that these workers have in common.
        free: gives back what this process does not use, and returns the bytes that are free.
        on_wait: told before a wait how many seconds it may take at most.
        clock: seconds.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        lock: Path,
        free: Callable[[], int],
        on_wait: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._lock = lock
        self._free = free
        self._on_wait = on_wait
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def room_for(self, needed: int) -> Iterator[None]:
        """Wait until there are some bytes of memory; if they are many, nobody else gets many meanwhile."""
        with self._lock.open("w") as file:
            if needed >= LARGE_BYTES:
                while not _locked(file.fileno()):  # it is given free when its owner ends, however that ends
                    self._wait(MOST_SECONDS)
            until = self._clock() + MOST_SECONDS
            while needed >= SMALL_BYTES and self._free() < needed and (left := until - self._clock()) > 0:
                self._wait(left)
            yield

    def _wait(self, most: float) -> None:
        self._on_wait(most)
        self._sleep(LOOK_SECONDS)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
