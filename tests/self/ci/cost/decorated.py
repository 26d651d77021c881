"""Kernels that are not plain names of their module: one under Triton's decorators, one that nothing outside reaches."""

import torch
import triton
import triton.language as tl


@triton.autotune(configs=[triton.Config({"LANES": 128}, num_warps=2)], key=["rows"])
@triton.heuristics({"ROWS": lambda arguments: arguments["LANES"] // 64})
@triton.jit
def _decorated(k_ptr, rows, LANES: tl.constexpr, ROWS: tl.constexpr):
    for place in tl.static_range(ROWS):
        row = tl.program_id(0) * ROWS + place
        tl.store(k_ptr + row * LANES + tl.arange(0, LANES), 0, mask=row < rows)


def _hidden():
    @triton.jit
    def inner(s_ptr):
        tl.store(s_ptr + tl.program_id(0) * 4 + tl.arange(0, 4), 0)

    return lambda s: inner[(len(s),)](s)


_run_hidden = _hidden()


def get_k(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim):
    """Zeros in the place of K."""
    k = torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)
    _decorated[lambda meta: (triton.cdiv(seq_len_sum, meta["ROWS"]),)](k, seq_len_sum)
    return k


def get_s(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim):
    """Zeros in the place of S."""
    s = torch.empty((seq_len_sum, 4), dtype=torch.uint8, device=buf.device)
    _run_hidden(s)
    return s
