"""With the signature of LightLLM's later `extract_indexer_ks`: a pool of tokens, and a table of tokens a request."""

import torch
import triton

from kernels.peers.foreign import Foreign
from tests.planted.foreign.programs import gather_by_slot_table


def extract_indexer_ks(
    I_buffer: torch.Tensor,
    b_seq_len: torch.Tensor,
    b_req_idx: torch.Tensor,
    req_to_token_indexs: torch.Tensor,
    out_token_num: int,
    max_kv_seq_len: int,
    mtp_step: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return keys as fp8, `(rows, dim)`, and scales as fp32, `(rows, 1)`."""
    dim = I_buffer.shape[2] - 4
    k = torch.empty((out_token_num, dim), dtype=torch.uint8, device=I_buffer.device)
    s = torch.empty((out_token_num, 4), dtype=torch.uint8, device=I_buffer.device)
    first = b_seq_len.cumsum(0) - b_seq_len
    if out_token_num:
        sizes = {"DIM": dim, "LANES": triton.next_power_of_2(dim)}
        arguments = I_buffer, req_to_token_indexs, first, b_seq_len, k, s
        strides = I_buffer.stride(0), req_to_token_indexs.stride(0)
        gather_by_slot_table[len(b_seq_len), max_kv_seq_len](*arguments, *strides, **sizes)
    return k.view(torch.float8_e4m3fn), s.view(torch.float32)


get_k_and_s = Foreign(
    extract_indexer_ks, "tokens", "seq_lens", "sequence_ids", "slot_table", "seq_len_sum", "max_seq_len", 0
)
