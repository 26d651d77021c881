"""A right gather that then reaches for one byte past one end of one of its tensors, which stays without any effect.

Each fault is an implementation of its own, `tests.planted.faults.reaching:read_before_buf` say: a read or a write, of
the byte before or after `buf`, `page_indices`, `seq_lens`, or the results `k` or `s`.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import torch

from tests.planted.faults import plain
from tests.planted.faults.kernels import touch

TENSORS = ("buf", "page_indices", "seq_lens", "k", "s")


@dataclass(frozen=True)
class Reach:
    """One planted fault."""

    does: str
    """`read` or `write`."""
    side: str
    """`before` or `after` the tensor."""
    tensor: str

    @property
    def name(self) -> str:
        """The name of the implementation in this module."""
        return f"{self.does}_{self.side}_{self.tensor}"

    def get_k_and_s(self, *arguments: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Gather keys and scales, and reach too far once."""
        rows = plain.get_k_and_s(*arguments)
        results = [part.new_empty(part.shape).copy_(part) for part in rows]
        tensor = dict(zip(TENSORS, (*arguments[:3], *results), strict=True))[self.tensor]
        end = tensor.data_ptr() + tensor.numel() * tensor.element_size()
        touch(tensor.data_ptr() - 1 if self.side == "before" else end, self.does == "write", arguments[0].device)
        return results[0], results[1]


REACHES = [Reach(*fault) for fault in product(("read", "write"), ("before", "after"), TENSORS)]


def __getattr__(name: str) -> Any:
    for reach in REACHES:
        if reach.name == name:
            return reach
    raise AttributeError(name)
