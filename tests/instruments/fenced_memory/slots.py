"""Slots: stretches of mapped memory with nothing mapped on either side, kept for the next allocation of their size."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

GAP_BYTES = 1 << 32
"""Unmapped addresses on either side of a slot: what an address reaches that wraps in 32 bits."""
KEPT_SLOT_BYTES = 1 << 26
"""Larger slots are unmapped when they are given back."""
KEPT_BYTES = 1 << 30
"""Mapped memory that is kept for later, all sizes together."""


class OutOfVirtualMemory(Exception):
    """The device has no memory left to map."""


@dataclass(frozen=True)
class Mapping:
    """Mapped memory, with at least `GAP_BYTES` of unmapped addresses on either side."""

    address: int
    """Where the mapped bytes begin, a multiple of the granularity."""
    size: int
    """Mapped bytes, a multiple of the granularity."""
    reservation: Any = field(default=None, compare=False)
    """What the virtual memory needs to undo it."""


class VirtualMemory(Protocol):
    """A device's virtual addresses, as much of them as slots need."""

    granularity: int
    """Bytes of a page: what is mapped is a multiple of it."""

    def map(self, size: int, gap: int) -> Mapping:
        """Map `size` bytes with `gap` unmapped bytes on either side.

        Raises:
            OutOfVirtualMemory: the device's memory is used up.
        """

    def unmap(self, mapping: Mapping) -> None:
        """Unmap what `map` mapped, after everything that may use it has ended."""

    def view(self, mapping: Mapping, start: int, size: int) -> tuple[torch.Tensor, Any]:
        """Return `(size,)` uint8 at `start` of the mapping, and an object that lives as long as the tensor's memory."""


class SlotPool:
    """The slots of one device."""

    def __init__(self, virtual: VirtualMemory) -> None:
        self.virtual = virtual
        self._free: dict[int, list[Mapping]] = defaultdict(list)
        self._free_bytes = 0

    def take(self, size: int) -> Mapping:
        """Return a slot for `size` bytes, of as few pages as hold them.

        Raises:
            torch.OutOfMemoryError: the device's memory is used up.
        """
        pages = max(1, -(-size // self.virtual.granularity))
        mapped = pages * self.virtual.granularity
        if self._free[mapped]:
            self._free_bytes -= mapped
            return self._free[mapped].pop()
        try:
            return self.virtual.map(mapped, GAP_BYTES)
        except OutOfVirtualMemory:
            self.trim()
        try:
            return self.virtual.map(mapped, GAP_BYTES)
        except OutOfVirtualMemory as error:
            raise torch.OutOfMemoryError(f"{mapped:,} bytes of fenced memory cannot be had: {error}") from error

    def give_back(self, slot: Mapping) -> None:
        """Take a slot back that no tensor uses any more."""
        if slot.size > KEPT_SLOT_BYTES or self._free_bytes + slot.size > KEPT_BYTES:
            self.virtual.unmap(slot)
            return
        self._free[slot.size].append(slot)
        self._free_bytes += slot.size

    def trim(self) -> None:
        """Unmap all slots that nobody uses."""
        for slots in self._free.values():
            while slots:
                self.virtual.unmap(slots.pop())
        self._free_bytes = 0
