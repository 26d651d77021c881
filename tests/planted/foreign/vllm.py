"""With the signature of vLLM's `cp_gather_indexer_k_quant_cache`, which FlagGems and RTP-LLM share."""

import torch
import triton

from kernels.peers.foreign import Foreign
from tests.planted.foreign.programs import gather_by_table


def cp_gather_indexer_k_quant_cache(
    kv_cache: torch.Tensor,
    dst_k: torch.Tensor,
    dst_scale: torch.Tensor,
    block_table: torch.Tensor,
    cu_seq_lens: torch.Tensor,
) -> None:
    """Write the rows of all sequences."""
    rows, dim = dst_k.shape
    if rows:
        size, stride = kv_cache.shape[1], kv_cache.stride(0)
        scales = kv_cache.as_strided((kv_cache.shape[0], size * 4), (stride, 1), kv_cache.storage_offset() + size * dim)
        sizes = {"PAGE": size, "DIM": dim, "LANES": triton.next_power_of_2(dim), "SCALE": 4, "TILE": 1}
        strides = stride, stride, block_table.stride(0), len(cu_seq_lens) - 1
        gather_by_table[rows,](kv_cache, scales, dst_k, dst_scale, block_table, cu_seq_lens, *strides, **sizes)


get_k_and_s = Foreign(cp_gather_indexer_k_quant_cache, "pages", "k", "s", "page_indices", "cu_seq_lens")
