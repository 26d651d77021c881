"""Where an allocation lies in its slot, and what lies around it there."""

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch

from tests.calls.fetching import Fetch
from tests.instruments.fenced_memory.slots import Mapping, SlotPool
from tests.instruments.red_zones import RedZone, RedZonedMemory, damage_of

ALIGNMENT = 16
"""Kernels may count on this much: torch aligns to 512 bytes, and Triton compiles another kernel below 16."""


class Fence(Enum):
    """Which end of an allocation lies at an unmapped page."""

    BEFORE = "fence-before"
    """The first byte is the first of a page, and nothing is mapped before it."""
    AFTER = "fence-after"
    """The last byte is the last of a page but for the slack that `ALIGNMENT` of the first byte leaves, at most 15
    bytes, which are red zone. There is none if the size is a multiple of 16."""
    EXACT = "fence-exact"
    """The last byte is the last of a page. The first is aligned as far as the size is, which is enough for elements,
    and too little for kernels that count on torch's alignment."""

    def start(self, size: int, mapped: int) -> int:
        """Return where an allocation of `size` bytes begins in a slot of `mapped` bytes."""
        match self:
            case Fence.BEFORE:
                return 0
            case Fence.AFTER:
                return (mapped - size) // ALIGNMENT * ALIGNMENT
            case Fence.EXACT:
                return mapped - size


_SURROUNDINGS = {
    Fence.BEFORE: "begins at an unmapped page",
    Fence.AFTER: "ends at an unmapped page",
    Fence.EXACT: "ends at an unmapped page, to the byte",
}


@dataclass(frozen=True)
class _Allocation:
    slot: Mapping
    zones: tuple[RedZone, ...]
    owner: "weakref.ref[Any]"
    """Dies with the last tensor that uses the memory."""


class FencedMemory:
    """Memory of which one edge of each allocation lies at an unmapped page, and the rest of the slot is red zone.

    Args:
        slots: returns the slots of a device.
        fence: which edge.
    """

    is_poisoned = True

    def __init__(self, slots: Callable[[torch.device], SlotPool], fence: Fence) -> None:
        self._slots = slots
        self._fence = fence
        self._allocations: list[tuple[SlotPool, _Allocation]] = []
        self._host = RedZonedMemory()

    @property
    def surroundings(self) -> str:
        """What lies around an allocation. See `Memory.surroundings`."""
        return _SURROUNDINGS[self._fence]

    def allocate(self, name: str, size: int, device: torch.device) -> torch.Tensor:
        """Return `(size,)` uint8 at a fence, or between red zones if it is the host's. See `Memory.allocate`.

        Raises:
            torch.OutOfMemoryError: the device's memory is used up.
        """
        if device.type == "cpu":
            return self._host.allocate(name, size, device)
        if size == 0:
            return torch.empty(0, dtype=torch.uint8, device=device)
        pool = self._slots(device)
        slot = pool.take(size)
        start = self._fence.start(size, slot.size)
        zones = tuple(
            RedZone(name, side, pool.virtual.view(slot, begin, end - begin)[0])
            for side, begin, end in (("before", 0, start), ("after", start + size, slot.size))
            if begin < end
        )
        for zone in zones:
            zone.lay()
        tensor, owner = pool.virtual.view(slot, start, size)
        self._allocations.append((pool, _Allocation(slot, zones, weakref.ref(owner))))
        return tensor

    def damage(self, fetch: Fetch) -> Callable[[], list[str]]:
        """Ask for damaged red zones. See `Memory.damage`.

        A slot whose tensors are gone is free only when that is told: until then its red zones may still have to tell.
        """
        of_host = self._host.damage(fetch)
        of_device = damage_of((zone for _, allocation in self._allocations for zone in allocation.zones), fetch)

        def told() -> list[str]:
            sentences = of_host() + of_device()
            kept = []
            for pool, allocation in self._allocations:
                if allocation.owner() is None:
                    pool.give_back(allocation.slot)
                else:
                    kept.append((pool, allocation))
            self._allocations = kept
            return sentences

        return told

    def close(self) -> None:
        """Give each slot back, those with tensors as soon as these are gone. See `Memory.close`."""
        self._host.close()
        for pool, allocation in self._allocations:
            owner = allocation.owner()
            if owner is None:
                pool.give_back(allocation.slot)
            else:
                weakref.finalize(owner, pool.give_back, allocation.slot).atexit = False
        self._allocations.clear()
