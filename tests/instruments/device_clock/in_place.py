"""A call where it stands in a model: behind a kernel that leaves nothing in the L2, before one that reads K and S.

Neither neighbour lets the next kernel start early, nor starts early itself. What is timed is a whole layer: what of it
is the gather's is told by one that has a copy of the same bytes in its place, or the flood alone.
"""

from typing import Any

import torch
import triton
import triton.language as tl

from tests.instruments.device_clock.placement import Placement
from tests.instruments.device_clock.side import Side

LAYERS = 20
"""Of one graph."""
FLOOD_TIMES = 4
"""Bytes that the kernel in front reads, in sizes of the L2."""
BLOCK = 4_096
"""Words that a program of a neighbour reads."""


class Neighbours:
    """The kernels around a call, and their memory.

    Args:
        placement: the memory of a draw.
    """

    def __init__(self, placement: Placement) -> None:
        words = FLOOD_TIMES * placement.l2_bytes // 4
        self._flood = torch.zeros(words, dtype=torch.int32, device=placement.device)
        programs = triton.cdiv(max(words, placement.needed_bytes // 4), BLOCK)
        self._sums = torch.empty(programs, dtype=torch.int32, device=placement.device)
        self._none = self._flood[:0]

    def around(self, side: Side) -> Side:
        """Return a side whose call is a layer: flood, the call of `side`, a kernel that reads its results."""

        def layer(placement: Placement, number: int) -> None:
            self._read(self._flood, self._none)
            self._read(*keys_and_scales(side.call(placement, number), placement))

        return Side(side.name, layer)

    def alone(self, name: str) -> Side:
        """Return a side whose call is the flood of a layer, and no more."""
        return Side(name, lambda placement, number: self._read(self._flood, self._none))

    def _read(self, keys: torch.Tensor, scales: torch.Tensor) -> None:
        counts = keys.numel(), scales.numel()
        programs = sum(triton.cdiv(count, BLOCK) for count in counts)
        _read_kernel[(programs,)](keys, scales, *counts, self._sums, BLOCK, num_warps=8)


def keys_and_scales(results: Any, placement: Placement) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the words of K and S, `(n,)` int32, of what a call returned.

    Args:
        results: K and S, or one tensor of as many bytes in which S follows K.
        placement: where it was called.
    """
    if isinstance(results, torch.Tensor):
        results = results.split([results.numel() - 4 * placement.rows, 4 * placement.rows])
    keys, scales = (result.reshape(-1).view(torch.int32) for result in results)
    return keys, scales


@triton.jit(do_not_specialize=["num_keys", "num_scales"])
def _read_kernel(keys_ptr, scales_ptr, num_keys, num_scales, sums_ptr, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    of_keys = tl.cdiv(num_keys, BLOCK)
    at = tl.arange(0, BLOCK)
    if program < of_keys:
        index = program * BLOCK + at
        words = tl.load(keys_ptr + index, mask=index < num_keys, other=0)
    else:
        index = (program - of_keys) * BLOCK + at
        words = tl.load(scales_ptr + index, mask=index < num_scales, other=0)
    tl.store(sums_ptr + program, tl.sum(words))
