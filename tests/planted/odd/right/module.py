"""An `nn.Module` whose methods gather."""

from typing import Any

import torch

from tests.planted.odd.base import Parts, gather, launch_tiles


class Gather(torch.nn.Module):
    """Gathers; its methods are those of the contract."""

    def forward(self, *arguments: Any, with_k: bool = True, with_s: bool = True) -> Parts:
        """Gather what is asked for."""
        return gather(launch_tiles, with_k, with_s, arguments)

    def get_k_and_s(self, *arguments: Any) -> Parts:
        """Gather K and S; see `kernels.get_k_and_s`."""
        return self(*arguments)

    def get_k(self, *arguments: Any) -> torch.Tensor:
        """Gather K alone."""
        return self(*arguments, with_s=False)[0]

    def get_s(self, *arguments: Any) -> torch.Tensor:
        """Gather S alone."""
        return self(*arguments, with_k=False)[1]
