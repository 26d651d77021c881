"""Is a case that memory ran out on examined again once there is room, and no other?"""

import fcntl
import threading
import time
from dataclasses import replace
from functools import partial

import pytest

from tests.calls.implementations import load_implementation
from tests.cases.catalogue import catalogue
from tests.contract import Contract, Rule
from tests.examine import examination
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.examine.selection import Selection
from tests.plugin.examiner import Examiner
from tests.plugin.gpu_memory import MOST_SECONDS, MOST_VAIN, PAUSE_SECONDS, SharedGpu, needed_bytes

CASES = {case.id: case for case in catalogue(seed_count=0)}
CASE = CASES["pools/past-8-gib"]
CLEAN = Examined(CASE.id, right=("get_k",))
WITHOUT = Examined(CASE.id).without_memory("for rows")


class World:
    """A GPU on which memory becomes free after a while, and a lock that somebody gives back after a while."""

    def __init__(self, path, *, free_after=0.0, lock_until=0.0):
        self.now = 0.0
        self.examined_at: list[float] = []
        self.free_after = free_after
        self.lock_until = lock_until
        self.waits: list[float] = []
        self.other = path.open("w")
        if lock_until:
            fcntl.flock(self.other, fcntl.LOCK_EX)
        self.gpu = SharedGpu(path, self.free, self.waits.append, lambda: self.now, self.sleep)

    def free(self):
        return (80 * 2**30 if self.now >= self.free_after else 0), 80 * 2**30

    def sleep(self, seconds):
        self.now += seconds
        if self.now >= self.lock_until:
            fcntl.flock(self.other, fcntl.LOCK_UN)

    def examine(self):
        self.examined_at.append(self.now)
        return CLEAN if self.now >= self.free_after else WITHOUT


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "lock"


def test_nobody_waits_beforehand(lock):
    world = World(lock, lock_until=9)
    assert world.gpu.examined(CASE, world.examine) == CLEAN
    assert world.examined_at == [0]
    assert not world.waits


@pytest.mark.parametrize(("free_after", "lock_until"), [(7, 0), (7, 9), (9, 7)])
def test_who_lacks_memory_examines_again_once_there_is_room_and_nobody_else_waits(lock, free_after, lock_until):
    world = World(lock, free_after=free_after, lock_until=lock_until)
    assert world.gpu.examined(CASE, world.examine) == CLEAN
    assert world.examined_at == [0, pytest.approx(9 if lock_until else 7, abs=0.3)]
    # A test's time does not pass meanwhile.
    assert world.waits


def test_nobody_waits_for_ever(lock):
    world = World(lock, free_after=1e9)
    assert world.gpu.examined(CASE, world.examine) == WITHOUT
    assert world.examined_at == [0, pytest.approx(MOST_SECONDS, abs=0.3)]


def test_what_was_found_before_memory_ran_out_stands(lock):
    world = World(lock)
    of = replace(WITHOUT, findings=(Finding(Rule.LENGTHS, CASE.id, "get_k", "row 3 is wrong"),))
    assert world.gpu.examined(CASE, lambda: of) == of
    assert world.gpu.examined(CASE, world.examine) == CLEAN
    assert not world.waits


def test_what_was_found_before_the_harness_lacked_memory_is_kept(monkeypatch):
    finding = Finding(Rule.LENGTHS, CASE.id, "get_k", "row 3 is wrong")

    def without_memory(*_, on_found, **__):
        on_found([finding])
        raise MemoryError

    monkeypatch.setattr(examination, "examine", without_memory)
    selection = Selection(implementation="torch", contract=Contract.STRICT, device="cpu")
    examined = Examiner(load_implementation("torch"), selection).examine(CASES["lengths/page"])
    assert examined.findings == (finding,)
    assert examined.lacked_memory


def test_who_was_not_quick_enough_examines_again(lock):
    world, others = World(lock, free_after=3), [WITHOUT, WITHOUT, WITHOUT, CLEAN]
    taken = iter(others)

    def examine():
        world.free_after = world.now + 3
        return next(taken)

    assert world.gpu.examined(CASE, examine) == CLEAN
    assert next(taken, None) is None


def test_who_takes_all_memory_itself_examines_again_a_few_times_and_never_more(lock):
    world, calls = World(lock), []

    def without():
        calls.append(world.now)
        return WITHOUT

    for _ in range(3):
        assert world.gpu.examined(CASE, without) == WITHOUT
    assert len(calls) == 3 + MOST_VAIN


def test_a_small_gpu_is_large_enough(lock):
    world, total = World(lock), 24 * 2**30
    world.gpu = SharedGpu(lock, lambda: (int(0.9 * total), total), world.waits.append, lambda: world.now, world.sleep)
    assert world.gpu.examined(CASES["pools/past-16-gib"], lambda: WITHOUT) == WITHOUT
    assert world.now == MOST_VAIN * PAUSE_SECONDS


class Crowded:
    """A GPU of 80 GB on which several gates examine, in threads whose seconds are milliseconds."""

    TOTAL = 80 * 2**30
    OF_A_PROCESS = 3 * 2**29
    """What a worker takes that does nothing."""

    def __init__(self, workers):
        self.free = self.TOTAL - workers * self.OF_A_PROCESS
        self.guard = threading.Lock()

    def take(self, size):
        with self.guard:
            self.free -= size
            if self.free >= 0:
                return True
            self.free += size
            return False

    def examine(self, case):
        size = needed_bytes(case)
        if not self.take(size):
            return Examined(case.id).without_memory("for arguments")
        time.sleep(0.001 + size / 2**30 / 1e3)  # a second, and one for each GiB
        has_more = self.take(size // 2)
        self.free_again(size + has_more * (size // 2))
        return Examined(case.id) if has_more else Examined(case.id).without_memory("in a call")

    def free_again(self, size):
        with self.guard:
            self.free += size


def test_three_gates_on_one_gpu_decide_every_case(tmp_path):
    gates, workers = 3, 4
    crowded = Crowded(gates * workers)
    undecided: list[str] = []
    waits: list[float] = []

    def work(gate, worker):
        clock, sleep = (lambda: 1e3 * time.monotonic()), (lambda seconds: time.sleep(seconds / 1e3))
        ask = lambda: (crowded.free, Crowded.TOTAL)  # noqa: E731
        gpu = SharedGpu(tmp_path / f"{gate}.lock", ask, waits.append, clock, sleep)
        large = sorted(CASES.values(), key=needed_bytes, reverse=True)[worker::workers]
        for case in large[:12]:
            examined = gpu.examined(case, partial(crowded.examine, case))
            undecided.extend(filter(None, [examined.undecided]))

    threads = [threading.Thread(target=work, args=(gate, worker)) for gate in range(gates) for worker in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not undecided
    assert waits


def test_the_lock_is_held_while_a_case_is_examined_again_and_not_after(lock):
    world = World(lock, free_after=1)

    def is_locked():
        with lock.open("w") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    seen = []

    def examine():
        seen.append(is_locked())
        return world.examine()

    world.gpu.examined(CASE, examine)
    assert [*seen, is_locked()] == [False, True, False]


@pytest.mark.parametrize(
    ("case", "gib"),
    [("lengths/page", 0), ("pools/past-8-gib", 8), ("tables/past-2-31-entries", 8), ("state/lengths", 0)],
)
def test_what_a_case_needs_is_estimated(case, gib):
    assert needed_bytes(CASES[case]) == pytest.approx(gib * 2**30, abs=2**28)
