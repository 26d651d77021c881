"""Memory that arguments and results of an examined call live in."""

from collections.abc import Callable
from typing import Protocol

import torch

from tests.calls.fetching import Fetch


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

    def damage(self, fetch: Fetch) -> Callable[[], list[str]]:
        """Ask whether the surroundings of allocations were written to, and return what tells and mends it: a sentence
        for each that was, since the last time.

        Nothing that was launched may be running any more.
        """

    def close(self) -> None:
        """Give back what was allocated, as soon as no tensor uses it any more. Nothing is allocated afterwards."""
