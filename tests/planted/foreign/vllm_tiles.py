"""With the signature of vLLM's Triton gather for AMD: pages of 16x16 tiles, or of one token."""

import torch
import triton

from kernels.peers.foreign import Foreign
from tests.planted.foreign.programs import gather_by_table


def cp_gather_indexer_k_quant_cache_triton(
    k_cache: torch.Tensor,
    k_fp8: torch.Tensor,
    k_fp8_scale: torch.Tensor,
    block_table: torch.Tensor,
    cu_seqlen: torch.Tensor,
    token_to_seq: torch.Tensor,
    block_tile_size: int = 16,
    head_tile_size: int = 16,
) -> None:
    """Write the rows of all sequences."""
    rows, dim = k_fp8.shape
    if rows:
        size = k_cache.shape[1]
        pool = k_cache.view(k_cache.shape[0], -1)
        keys, scales = pool[:, : size * dim].view(torch.float8_e4m3fn), pool[:, size * dim :].view(torch.float32)
        tile = block_tile_size if size > 1 else 1
        sizes = {"PAGE": size, "DIM": dim, "LANES": triton.next_power_of_2(dim), "SCALE": 1, "TILE": tile}
        strides = keys.stride(0), scales.stride(0), block_table.stride(0), len(cu_seqlen) - 1
        results = k_fp8, k_fp8_scale.view(torch.float32)
        gather_by_table[rows,](keys, scales, *results, block_table, cu_seqlen, *strides, **sizes)


get_k_and_s = Foreign(
    cp_gather_indexer_k_quant_cache_triton,
    *("pages", "k:fp8", "s", "page_indices:int32", "cu_seq_lens", "token_to_seq"),
)
