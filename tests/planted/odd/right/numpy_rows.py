"""NumPy on the host, row by row of the table."""

from typing import Any

import numpy as np
import torch


def get_k_and_s(*arguments: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather K and S; see `kernels.get_k_and_s`."""
    buf, page_indices, seq_lens, _, _, page_size, index_head_dim = arguments
    table, lens = page_indices.cpu().numpy(), seq_lens.cpu().numpy()
    pages = np.concatenate([row[np.arange(n) // page_size] for row, n in zip(table, lens, strict=True)] or [lens])
    slots = np.concatenate([np.arange(n) % page_size for n in lens] or [lens])
    pool, split = buf.cpu().numpy(), page_size * index_head_dim
    k = pool[:, :split].reshape(-1, page_size, index_head_dim)[pages, slots]
    s = pool[:, split:].reshape(-1, page_size, 4)[pages, slots]
    return torch.from_numpy(k).to(buf.device), torch.from_numpy(s).to(buf.device)
