"""Ordinary memory between red zones: bytes that nobody has a reason to write."""

import mmap
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from tests.calls.fetching import Fetch

RED_ZONE_BYTES = 4096
RED_ZONE_BYTE = 0xA5
ZONES_AT_ONCE = 32
"""Those of a GPU's fenced memory are 2 MB each."""
MAPPED_FROM_BYTES = 1 << 28
"""CPU memory from this size on is mapped and never filled, so that a pool of 9 GiB costs what is touched of it."""
BELOW_MAPPED_BYTES = 1 << 32
"""What is mapped below such memory: an address that wraps in 32 bits reads zeros there and does not end the process."""


@dataclass(frozen=True)
class RedZone:
    """Bytes next to an allocation that nobody has a reason to write."""

    name: str
    """Of the argument or result next to it."""
    side: str
    """`before` or `after` it."""
    bytes: torch.Tensor

    def lay(self) -> None:
        """Give every byte the value that it has to keep."""
        with torch.inference_mode():  # else what a call in that mode has allocated cannot be written to
            self.bytes.fill_(RED_ZONE_BYTE)

    def damage(self) -> str | None:
        """Return what was written to it, if anything was, and mend it."""
        wrong = (self.bytes != RED_ZONE_BYTE).nonzero().flatten()
        if not len(wrong):
            return None
        nearest = int(wrong[0]) + 1 if self.side == "after" else len(self.bytes) - int(wrong[-1])
        count = "1 byte was" if len(wrong) == 1 else f"{len(wrong):,} bytes were"
        self.lay()
        return f"{count} written {self.side} {self.name}, the nearest {nearest:,} from its edge"


def damage_of(zones: Iterable[RedZone], fetch: Fetch) -> Callable[[], list[str]]:
    """Ask for the damage of zones, and return what tells it, a sentence for each damaged one, and mends it."""
    by_device: dict[torch.device, list[RedZone]] = {}
    for zone in zones:
        if zone.bytes.numel():
            by_device.setdefault(zone.bytes.device, []).append(zone)
    looks = []
    for of_device in by_device.values():
        for start in range(0, len(of_device), ZONES_AT_ONCE):
            some = of_device[start : start + ZONES_AT_ONCE]
            # As one tensor: as many steps for many zones as for one.
            together = torch.cat([zone.bytes for zone in some])
            looks.append((some, fetch.of((together != RED_ZONE_BYTE).any())))
    return lambda: [told for some, is_damaged in looks if is_damaged() for zone in some if (told := zone.damage())]


class RedZonedMemory:
    """Ordinary memory between two red zones of 4,096 bytes each, whose bytes are known."""

    surroundings = "lies between red zones"
    is_poisoned = True

    def __init__(self) -> None:
        self._zones: list[RedZone] = []

    def allocate(self, name: str, size: int, device: torch.device) -> torch.Tensor:
        """Return `(size,)` uint8 between two red zones. See `Memory.allocate`."""
        if device.type == "cpu" and size >= MAPPED_FROM_BYTES:
            mapping = mapped_zeros(BELOW_MAPPED_BYTES + size + 2 * RED_ZONE_BYTES)
            whole = torch.frombuffer(mapping, dtype=torch.uint8, offset=BELOW_MAPPED_BYTES)
        else:
            whole = torch.empty(size + 2 * RED_ZONE_BYTES, dtype=torch.uint8, device=device)
        end = RED_ZONE_BYTES + size
        for side, surrounding in (("before", whole[:RED_ZONE_BYTES]), ("after", whole[end:])):
            zone = RedZone(name, side, surrounding)
            zone.lay()
            self._zones.append(zone)
        # A storage of its own, as a tensor that torch has just made: an offset of 0, and nothing of the zones in it.
        return torch.from_dlpack(whole[RED_ZONE_BYTES:end])

    def damage(self, fetch: Fetch) -> Callable[[], list[str]]:
        """Ask for damaged red zones. See `Memory.damage`."""
        return damage_of(self._zones, fetch)

    def close(self) -> None:
        """Let go of the red zones, and so of the memory between them. See `Memory.close`."""
        self._zones.clear()


def mapped_zeros(size: int) -> mmap.mmap:
    """Return so many bytes of zeros, which take no room until they are touched."""
    # Python names the flag from 3.13 on.
    no_reserve = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve)
