"""Do large cases wait for each other and for memory, and only those?"""

import fcntl

import pytest

from tests.cases.catalogue import catalogue
from tests.plugin.gpu_memory import LARGE_BYTES, MOST_SECONDS, SMALL_BYTES, SharedGpu, needed_bytes

CASES = {case.id: case for case in catalogue(seed_count=0)}


class World:
    """A GPU on which memory becomes free after a while, and a lock that somebody gives back after a while."""

    def __init__(self, path, *, free_after=0.0, lock_until=0.0):
        self.now = 0.0
        self.free_after = free_after
        self.lock_until = lock_until
        self.waits: list[float] = []
        self.other = path.open("w")
        if lock_until:
            fcntl.flock(self.other, fcntl.LOCK_EX)
        self.gpu = SharedGpu(path, self.free, self.waits.append, lambda: self.now, self.sleep)

    def free(self):
        return 80 * 2**30 if self.now >= self.free_after else 0

    def sleep(self, seconds):
        self.now += seconds
        if self.now >= self.lock_until:
            fcntl.flock(self.other, fcntl.LOCK_UN)

    def wait(self, needed):
        with self.gpu.room_for(needed):
            return self.now


@pytest.mark.parametrize(
    ("needed", "begins"), [(SMALL_BYTES - 1, 0), (SMALL_BYTES, 7), (LARGE_BYTES - 1, 7), (LARGE_BYTES, 9)]
)
def test_who_waits_for_what(needed, begins, tmp_path):
    world = World(tmp_path / "lock", free_after=7, lock_until=9)
    assert world.wait(needed) == pytest.approx(begins, abs=0.3)
    # A test's time does not pass meanwhile.
    assert bool(world.waits) == bool(begins)


def test_nobody_waits_for_ever(tmp_path):
    world = World(tmp_path / "lock", free_after=1e9)
    assert world.wait(SMALL_BYTES) == pytest.approx(MOST_SECONDS, abs=0.3)


def test_one_large_case_at_a_time(tmp_path):
    lock = tmp_path / "lock"
    with World(lock).gpu.room_for(LARGE_BYTES), lock.open("w") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with lock.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize(
    ("case", "gib"),
    [("lengths/page", 0), ("pools/past-8-gib", 8), ("tables/past-2-31-entries", 8), ("state/lengths", 0)],
)
def test_what_a_case_needs_is_estimated(case, gib):
    assert needed_bytes(CASES[case]) == pytest.approx(gib * 2**30, abs=2**28)
