"""A custom operator of torch round the launch, as `torch.compile` and `torch.export` want them."""

from typing import Any

import torch

from tests.planted.odd.base import Parts, gather, launch_tiles


@torch.library.custom_op("odd_gather::tiles", mutates_args=())
def _tiles(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
    with_k: bool,
    with_s: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    arguments = (buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim)
    return gather(launch_tiles, with_k, with_s, arguments)


@_tiles.register_fake
def _(buf: Any, page_indices: Any, seq_lens: Any, rows: int, longest: int, page_size: int, dim: int, *_: bool) -> Parts:
    return buf.new_empty(rows, dim), buf.new_empty(rows, 4)


def get_k_and_s(*arguments: Any) -> Parts:
    """Gather K and S; see `kernels.get_k_and_s`."""
    return _tiles(*arguments, True, True)


def get_k(*arguments: Any) -> torch.Tensor:
    """Gather K alone."""
    return _tiles(*arguments, True, False)[0]


def get_s(*arguments: Any) -> torch.Tensor:
    """Gather S alone."""
    return _tiles(*arguments, False, True)[1]
