"""Wrappers that hand their arguments on by keyword."""

import torch

from kernels import gather


def get_k_and_s(
    pool: torch.Tensor,
    table: torch.Tensor,
    lens: torch.Tensor,
    total: int,
    longest: int,
    page: int,
    width: int,
    *,
    which: str = "get_k_and_s",
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather K and S; see `kernels.get_k_and_s`."""
    return getattr(gather, which)(
        index_head_dim=width,
        page_size=page,
        max_seq_len=longest,
        seq_len_sum=total,
        seq_lens=lens,
        page_indices=table,
        buf=pool,
    )


def get_k(*arguments, **more):
    """Gather K alone."""
    return get_k_and_s(*arguments, **more, which="get_k")


def get_s(*arguments, **more):
    """Gather S alone."""
    return get_k_and_s(*arguments, **more, which="get_s")
