"""NumPy on the host, row by row of the table."""

import numpy as np
import torch


def get_k_and_s(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather K and S; see `kernels.get_k_and_s`."""
    table, lens = page_indices.cpu().numpy(), seq_lens.cpu().numpy()
    pages = np.concatenate([row[np.arange(n) // page_size] for row, n in zip(table, lens, strict=True)] or [lens])
    slots = np.concatenate([np.arange(n) % page_size for n in lens] or [lens])
    pool, split = buf.cpu().numpy(), page_size * index_head_dim
    k = pool[:, :split].reshape(-1, page_size, index_head_dim)[pages, slots]
    s = pool[:, split:].reshape(-1, page_size, 4)[pages, slots]
    return torch.from_numpy(k).to(buf.device), torch.from_numpy(s).to(buf.device)
