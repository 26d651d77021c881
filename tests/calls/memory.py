"""Memory that arguments and results of an examined call live in."""

from typing import Protocol

import torch


class Memory(Protocol):
    """Where the bytes of an examined call come from. Instruments differ in what lies around them."""

    @property
    def surroundings(self) -> str:
        """What lies around an allocation, as words that follow "each tensor"."""

    @property
    def is_poisoned(self) -> bool:
        """Whether what a call allocates is filled before the call sees it."""

    def allocate(self, name: str, size: int, device: torch.device) -> torch.Tensor:
        """Return `(size,)` uint8 for the argument or result called `name`, on a 16-byte boundary at least."""

    def damage(self) -> list[str]:
        """Return a sentence for each allocation whose surroundings were written to, since the last call of this.

        Nothing that was launched may be running any more.
        """

    def close(self) -> None:
        """Give back what was allocated, as soon as no tensor uses it any more. Nothing is allocated afterwards."""
