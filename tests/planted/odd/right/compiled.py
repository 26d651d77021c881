"""PyTorch indexing under `torch.compile`, whatever the sizes."""

from typing import Any

import torch


@torch.compile(backend="eager", dynamic=True)
def get_k_and_s(*arguments: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather K and S; see `kernels.get_k_and_s`."""
    buf, page_indices, seq_lens, seq_len_sum, _, page_size, index_head_dim = arguments
    row = torch.arange(seq_len_sum, device=buf.device)
    ends = seq_lens.long().cumsum(0)
    sequence = torch.searchsorted(ends, row, right=True)
    token = row - (ends - seq_lens)[sequence]
    page, slot = page_indices[sequence, token // page_size].long(), token % page_size
    split = page_size * index_head_dim
    keys = buf[:, :split].unflatten(1, (page_size, index_head_dim))
    scales = buf[:, split:].unflatten(1, (page_size, 4))
    return keys[page, slot], scales[page, slot]
