"""A right gather in plain torch, quick on any device; faults are planted around it."""

import torch

from reference.indexing import gather_slots, needed_slots


def get_k_and_s(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather keys and scales. Arguments and results are those of the contract; bad ones are not refused."""
    slots = needed_slots(page_indices, seq_lens, page_size, buf.shape[0])
    return gather_slots(buf, slots, page_size, index_head_dim)
