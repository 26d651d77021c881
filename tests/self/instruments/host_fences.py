"""Fences in the host's memory: what `tests.instruments.fenced_memory` does to a GPU, on pages of a CPU.

The slots, the places in them and the red zones are the very code that a GPU's memory uses; only the mapping differs.
"""

import ctypes
import mmap
from functools import cache
from typing import Any

import numpy as np
import torch

from tests.instruments.fenced_memory import Fence, FencedMemory, Mapping, SlotPool

PAGES = 4
_READABLE = mmap.PROT_READ | mmap.PROT_WRITE
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_PROT_NONE = 0
_FAILED = ctypes.c_void_p(-1).value


class HostVirtualMemory:
    """The host's virtual addresses. See `tests.instruments.fenced_memory.VirtualMemory`."""

    granularity = PAGES * mmap.PAGESIZE

    def __init__(self) -> None:
        self.mapped = 0
        """Bytes that are mapped at present."""

    def map(self, size: int, gap: int) -> Mapping:
        """Map `size` bytes between two gaps of addresses that nobody may touch."""
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000)
        # The system aligns to one of its own pages, which may be less than the granularity.
        reserved = size + 2 * gap + self.granularity
        reservation = _libc.mmap(None, reserved, _PROT_NONE, flags, -1, 0)
        if reservation == _FAILED:
            raise OSError(ctypes.get_errno(), "mmap")
        address = -(-(reservation + gap) // self.granularity) * self.granularity
        if _libc.mprotect(address, size, _READABLE):
            raise OSError(ctypes.get_errno(), "mprotect")
        self.mapped += size
        return Mapping(address, size, (reservation, reserved))

    def unmap(self, mapping: Mapping) -> None:
        """Give addresses and memory back."""
        if _libc.munmap(*mapping.reservation):
            raise OSError(ctypes.get_errno(), "munmap")
        self.mapped -= mapping.size

    def view(self, mapping: Mapping, start: int, size: int) -> tuple[torch.Tensor, Any]:
        """Return a tensor on mapped memory, and the array that it keeps alive."""
        array = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(mapping.address + start))
        return torch.from_numpy(array), array


class HostFencedMemory(FencedMemory):
    """Fenced memory whose tensors are the CPU's."""

    def allocate(self, name: str, size: int, device: torch.device) -> torch.Tensor:
        """Return `(size,)` uint8 at a fence."""
        if size == 0:
            return torch.empty(0, dtype=torch.uint8)
        return super().allocate(name, size, torch.device("cuda"))


@cache
def _slots() -> SlotPool:
    return SlotPool(HostVirtualMemory())


def host_fenced_memory(fence: Fence) -> HostFencedMemory:
    """Return new fenced memory, of slots that the process shares."""
    return HostFencedMemory(lambda device: _slots(), fence)
