"""Ordinary memory between red zones: bytes that nobody has a reason to write."""

import mmap
import sys
from collections.abc import Iterable
from dataclasses import dataclass

import torch

RED_ZONE_BYTES = 4096
RED_ZONE_BYTE = 0xA5
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


def damage_of(zones: Iterable[RedZone]) -> list[str]:
    """Return a sentence for each damaged zone, and mend it. A device is waited for once, however many zones it has."""
    zones = [zone for zone in zones if zone.bytes.numel()]
    by_device: dict[torch.device, list[RedZone]] = {}
    for zone in zones:
        by_device.setdefault(zone.bytes.device, []).append(zone)
    damaged = []
    for together in by_device.values():
        flags = torch.stack([(zone.bytes != RED_ZONE_BYTE).any() for zone in together]).tolist()
        damaged += [zone for zone, is_damaged in zip(together, flags, strict=True) if is_damaged]
    return [sentence for zone in damaged if (sentence := zone.damage())]


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

    def damage(self) -> list[str]:
        """Return a sentence for each damaged red zone, and mend it. See `Memory.damage`."""
        return damage_of(self._zones)

    def close(self) -> None:
        """Let go of the red zones, and so of the memory between them. See `Memory.close`."""
        self._zones.clear()


def mapped_zeros(size: int) -> mmap.mmap:
    """Return so many bytes of zeros, which take no room until they are touched."""
    # Python names the flag from 3.13 on.
    no_reserve = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve)
