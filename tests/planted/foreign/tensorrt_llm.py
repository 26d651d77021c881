"""With the signature of TensorRT-LLM's `triton_gather_k_cache`: where each row's bytes begin in the pool."""

import torch
import triton

from kernels.peers.foreign import Foreign
from tests.planted.foreign.programs import gather_by_offsets


def triton_gather_k_cache(
    k_cache: torch.Tensor,
    slot_mapping_fp8: torch.Tensor,
    slot_mapping_scale: torch.Tensor,
    k_token_start: int,
    k_token_end: int,
    head_dim: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return keys as fp8, `(rows, head_dim)`, and scales as fp32, `(rows, 1)`."""
    rows = k_token_end - k_token_start
    k = torch.empty((rows, head_dim), dtype=torch.uint8, device=k_cache.device)
    s = torch.empty((rows, 4), dtype=torch.uint8, device=k_cache.device)
    if rows:
        offsets = slot_mapping_fp8[k_token_start:], slot_mapping_scale[k_token_start:]
        lanes = triton.next_power_of_2(head_dim)
        gather_by_offsets[rows,](k_cache.reshape(-1), *offsets, k, s, DIM=head_dim, LANES=lanes)
    return k.view(torch.float8_e4m3fn), s.view(torch.float32)


get_k_and_s = Foreign(triton_gather_k_cache, "buf", "k_bytes", "s_bytes", 0, "seq_len_sum", "index_head_dim")
