"""Memory that arguments and results of an examined call live in, and what surrounds it."""

import mmap
from typing import Protocol

import torch

RED_ZONE_BYTES = 4096
RED_ZONE_BYTE = 0xA5
MAPPED_FROM_BYTES = 1 << 28
"""CPU memory from this size on is mapped and never filled, so that a pool of 9 GiB costs what is touched of it."""
BELOW_MAPPED_BYTES = 1 << 32
"""What is mapped below such memory: an address that wraps in 32 bits reads zeros there and does not end the process."""


class Memory(Protocol):
    """Where the bytes of an examined call come from. Instruments differ in what lies around them."""

    def allocate(self, name: str, size: int, device: torch.device) -> torch.Tensor:
        """Return `(size,)` uint8 for the argument or result called `name`, on a 16-byte boundary at least."""

    def damage(self) -> list[str]:
        """Return a sentence for each allocation whose surroundings were written to, since the last call of this."""


class RedZonedMemory:
    """Ordinary memory between two red zones of 4,096 bytes each, whose bytes are known."""

    def __init__(self) -> None:
        self._zones: list[tuple[str, str, torch.Tensor]] = []

    def allocate(self, name: str, size: int, device: torch.device) -> torch.Tensor:
        """Return `(size,)` uint8 between two red zones. See `Memory.allocate`."""
        if device.type == "cpu" and size >= MAPPED_FROM_BYTES:
            whole = _mapped(size + 2 * RED_ZONE_BYTES)
        else:
            whole = torch.empty(size + 2 * RED_ZONE_BYTES, dtype=torch.uint8, device=device)
        for side, zone in (("before", whole[:RED_ZONE_BYTES]), ("after", whole[RED_ZONE_BYTES + size :])):
            zone.fill_(RED_ZONE_BYTE)
            self._zones.append((name, side, zone))
        return whole[RED_ZONE_BYTES : RED_ZONE_BYTES + size]

    def damage(self) -> list[str]:
        """Return a sentence for each damaged red zone, and mend it. See `Memory.damage`."""
        sentences = []
        for name, side, zone in self._zones:
            wrong = (zone != RED_ZONE_BYTE).nonzero().flatten()
            if len(wrong):
                nearest = int(wrong[0]) + 1 if side == "after" else RED_ZONE_BYTES - int(wrong[-1])
                sentences.append(f"{len(wrong)} bytes {side} {name} were written, the nearest {nearest} from its edge")
                zone.fill_(RED_ZONE_BYTE)
        return sentences


def _mapped(size: int) -> torch.Tensor:
    """Return `(size,)` uint8 of mapped zeros that take no room until they are touched."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000)
    mapping = mmap.mmap(-1, BELOW_MAPPED_BYTES + size, flags=flags)
    return torch.frombuffer(mapping, dtype=torch.uint8, offset=BELOW_MAPPED_BYTES, count=size)
