"""K and S as two views of one allocation."""

from typing import Any

import torch

from kernels.arguments import check_arguments
from tests.planted.odd.base import Launch, Parts, launch_tiles


def get_k_and_s(*arguments: Any) -> Parts:
    """Gather K and S; see `kernels.get_k_and_s`."""
    check_arguments(*arguments)
    buf, page_indices, seq_lens, rows, longest, page_size, index_head_dim = arguments
    both = torch.empty(rows * (index_head_dim + 4), dtype=torch.uint8, device=buf.device)
    keys, scales = both.split((rows * index_head_dim, rows * 4))
    k, s = keys.view(rows, index_head_dim), scales.view(rows, 4)
    batch = len(seq_lens)
    if batch and rows and longest:
        asked = (batch, min(longest, rows), page_size, index_head_dim, True, True)
        launch_tiles(Launch(buf, page_indices, seq_lens, k, s, *asked))
    return k, s
