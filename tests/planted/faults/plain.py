"""A right gather in plain torch, quick on any device; faults are planted around it."""

from typing import Any

import torch

from reference.indexing import gather_slots, needed_slots


def get_k_and_s(*arguments: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather keys and scales. Arguments and results are those of the contract; bad ones are not refused."""
    buf, page_indices, seq_lens, _, _, page_size, index_head_dim = arguments
    slots = needed_slots(page_indices, seq_lens, page_size, buf.shape[0])
    return gather_slots(buf, slots, page_size, index_head_dim)
