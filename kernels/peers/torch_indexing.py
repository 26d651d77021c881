"""The gather that SGLang began with: PyTorch indexing, sequence by sequence, in many launches.

It keeps the ancestor's page arithmetic in the dtype of the page table, and so its defect: with int32 tables it reads
the wrong bytes of pools past 2 GiB.
"""

from typing import Any

import torch


def get_k_and_s(*arguments: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather K and S; arguments and results are those of `kernels.get_k_and_s`."""
    return get_k(*arguments), get_s(*arguments)


def get_k(*arguments: Any) -> torch.Tensor:
    """Gather K alone."""
    return _gather(*arguments, is_key=True)


def get_s(*arguments: Any) -> torch.Tensor:
    """Gather S alone."""
    return _gather(*arguments, is_key=False)


def _gather(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
    *,
    is_key: bool,
) -> torch.Tensor:
    start, width = (0, index_head_dim) if is_key else (page_size * index_head_dim, 4)
    flat, page_bytes = buf.flatten(), buf.shape[1]
    rows = [torch.empty((0, width), dtype=torch.uint8, device=buf.device)]
    for sequence, length in enumerate(seq_lens.tolist()):
        token = torch.arange(length, dtype=page_indices.dtype, device=buf.device)
        page = page_indices[sequence, token // page_size]
        first = page * page_bytes + start + token % page_size * width
        lanes = torch.arange(width, dtype=page_indices.dtype, device=buf.device)
        rows.append(flat[first[:, None] + lanes[None, :]])
    return torch.cat(rows)
