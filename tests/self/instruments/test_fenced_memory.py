"""Is one byte past either end of any tensor seen? Fences, the slots behind them, and the option that asks for them."""

import json
import subprocess
import sys
from itertools import pairwise

import pytest
import torch

from tests.calls.fetching import Fetch
from tests.instruments.fenced_memory import Fence, FencedMemory, Mapping, OutOfVirtualMemory, SlotPool, cuda
from tests.instruments.fenced_memory.slots import KEPT_SLOT_BYTES
from tests.planted.faults.reaching import REACHES, TENSORS
from tests.plugin import memories
from tests.self.inner_pytest import ROOT, run_pytest
from tests.self.instruments.host_fences import HostFencedMemory, HostVirtualMemory

PAGE = 1 << 21
CASE = "batches/8"
"""A case in which every tensor's size is a multiple of 16, so that no fence leaves slack."""
GPU = torch.device("cuda")


@pytest.mark.parametrize("size", [1, 3, 4, 15, 16, 17, 8_448, PAGE - 1, PAGE])
def test_where_an_allocation_lies(size):
    starts = {fence: fence.start(size, PAGE) for fence in Fence}
    assert starts[Fence.BEFORE] == 0
    assert starts[Fence.AFTER] % 16 == 0
    assert 0 <= PAGE - size - starts[Fence.AFTER] < 16
    assert starts[Fence.EXACT] + size == PAGE


class FakeVirtualMemory:
    """Addresses without memory, and as much memory as the test allows."""

    granularity = PAGE

    def __init__(self, pages: int) -> None:
        self.pages = pages
        self.mapped: list[Mapping] = []
        self.next = 0

    def map(self, size, gap):
        if sum(mapping.size for mapping in self.mapped) + size > self.pages * PAGE:
            raise OutOfVirtualMemory("no page is left")
        self.next += gap
        mapping = Mapping(self.next, size)
        self.next += size + gap
        self.mapped.append(mapping)
        return mapping

    def unmap(self, mapping):
        self.mapped.remove(mapping)

    def view(self, mapping, start, size):
        raise AssertionError("nothing is there to be seen")


def test_slots_are_used_again_and_lie_far_apart():
    virtual = FakeVirtualMemory(100)
    pool = SlotPool(virtual)
    slots = [pool.take(size) for size in (1, PAGE, PAGE + 1, 5 * PAGE)]
    assert [slot.size // PAGE for slot in slots] == [1, 1, 2, 5]
    for slot, following in pairwise(slots):
        # An address that wraps in 32 bits must not arrive in another slot.
        assert following.address - (slot.address + slot.size) >= 1 << 32
    pool.give_back(slots[1])
    assert pool.take(7) is slots[1]
    assert len(virtual.mapped) == 4


def test_large_slots_are_not_kept():
    virtual = FakeVirtualMemory(100)
    pool = SlotPool(virtual)
    pool.give_back(pool.take(KEPT_SLOT_BYTES + 1))
    assert virtual.mapped == []


def test_unused_slots_make_room():
    virtual = FakeVirtualMemory(3)
    pool = SlotPool(virtual)
    pool.give_back(pool.take(2 * PAGE))
    assert pool.take(3 * PAGE).size == 3 * PAGE
    with pytest.raises(torch.OutOfMemoryError, match="fenced memory cannot be had: no page is left"):
        pool.take(1)


@pytest.fixture
def host():
    return HostVirtualMemory()


@pytest.mark.parametrize("fence", list(Fence))
def test_red_zones_fill_the_rest_of_the_slot(host, fence):
    memory = FencedMemory(lambda device: SlotPool(host), fence)
    tensor = memory.allocate("seq_lens", 40, GPU)
    tensor.fill_(1)
    assert memory.damage(Fetch())() == []
    slack_before = tensor.data_ptr() % host.granularity
    around = torch.from_numpy(_bytes_at(tensor.data_ptr() - slack_before, host.granularity))
    for at, side, distance in (
        (0, "before", slack_before),
        (host.granularity - 1, "after", host.granularity - slack_before - 40),
    ):
        if distance:
            around[at] = 0
            assert memory.damage(Fetch())() == [
                f"1 byte was written {side} seq_lens, the nearest {distance:,} from its edge"
            ]
    assert memory.damage(Fetch())() == []


def _bytes_at(address, size):
    import ctypes

    import numpy as np

    return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))


def test_a_slot_is_free_only_when_its_tensors_are_gone_and_its_red_zones_were_looked_at(host):
    pool = SlotPool(host)
    memory = FencedMemory(lambda device: pool, Fence.AFTER)
    kept, gone = (memory.allocate(name, 64, GPU) for name in ("kept", "gone"))
    view = kept[3:]
    addresses = {"kept": kept.data_ptr(), "gone": gone.data_ptr()}
    del kept, gone
    assert memory.allocate("third", 64, GPU).data_ptr() not in addresses.values()
    memory.damage(Fetch())()
    assert memory.allocate("fourth", 64, GPU).data_ptr() != addresses["kept"]
    memory.close()
    others = FencedMemory(lambda device: pool, Fence.AFTER)
    again = [others.allocate("later", 64, GPU) for _ in range(4)]
    assert addresses["gone"] in [tensor.data_ptr() for tensor in again]
    assert addresses["kept"] not in [tensor.data_ptr() for tensor in again]
    del view
    assert others.allocate("last", 64, GPU).data_ptr() == addresses["kept"]


def test_memory_of_the_host_and_empty_memory_have_no_slot(host):
    memory = HostFencedMemory(lambda device: SlotPool(host), Fence.AFTER)
    assert memory.allocate("nothing", 0, torch.device("cpu")).numel() == 0
    plain = FencedMemory(lambda device: SlotPool(host), Fence.AFTER)
    plain.allocate("a result", 10, torch.device("cpu"))
    assert host.mapped == 0


def expected(fault, fence):
    """Return what a fault must come to: a dead process, a damaged red zone, or nothing that this fence can see."""
    reach = next(reach for reach in REACHES if reach.name == fault)
    if fence == f"fence-{reach.side}":
        return "fatal"
    name = reach.tensor if reach.tensor in TENSORS[:3] else "a result"
    if reach.does == "write":
        return f"1 byte was written {reach.side} {name}, the nearest 1 from its edge"
    return "unseen"


def reaches(device):
    """Yield each fault and fence, what was expected, the process's status, and the finding or nothing."""
    command = [sys.executable, "-m", "tests.self.instruments.examine_reaches", device, CASE]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr[-2000:]
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(lines) == 2 * len(REACHES) == 40
    for line in lines:
        assert len(line["findings"]) <= 1
        yield line, expected(line["fault"], line["fence"])


def test_each_byte_past_an_end_is_seen_on_the_host(device):
    if device != "cpu":
        pytest.skip("on a GPU its own fences are tested")
    for line, wanted in reaches("cpu"):
        if wanted == "fatal":
            assert line["status"] == -11, line
        else:
            assert line["status"] == 0, line
            assert [finding["message"] for finding in line["findings"]] == ([] if wanted == "unseen" else [wanted]), (
                line
            )


def test_each_byte_past_an_end_is_seen_on_a_gpu(device):
    if device != "cuda":
        pytest.skip("needs a GPU: fences are its own page tables")
    for line, wanted in reaches("cuda"):
        messages = [finding["message"] for finding in line["findings"]]
        if wanted == "fatal":
            assert line["status"] == 70, line
            assert "illegal memory access" in messages[0], line
            assert "an unmapped page" in messages[0], line
            assert line["findings"][0]["function"] == "get_k_and_s"
        else:
            assert line["status"] == 0, line
            assert messages == ([] if wanted == "unseen" else [wanted]), line


def test_what_auto_means():
    assert memories.resolve("auto", "cuda") == "fences"
    assert memories.resolve("auto", "cpu") == "red-zones"
    assert memories.resolve("fence-exact", "cuda") == "fence-exact"


def test_fences_without_a_gpu_are_a_usage_error(tmp_path):
    run = run_pytest("tests/test_arguments.py", "--device", "cpu", "--memory", "fences", "-n", "0", folder=tmp_path)
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert "--memory fences: fenced memory needs a GPU, and kernels run on the CPU" in run.output
    assert run.verdicts == {}


def test_fences_without_cuda_bindings_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cuda, "find_spec", lambda name: None)
    with pytest.raises(memories.MemoryUnavailable, match=r"--memory fences: .*pip install cuda-bindings.*red-zones"):
        memories.memories("auto", "cuda")
