"""A gather of production's geometry whose every cost is plain: a program a page, in words, each byte moved once.

`tests/planted/costs/regressions.py` names lines of it to replace, so each of those must stay unique in this file.
"""

import torch
import triton
import triton.language as tl

NUMBERS = ("rows", "page_words", "table_stride")


@triton.jit(do_not_specialize=NUMBERS)
def _page_kernel(
    buf_ptr,
    table_ptr,
    lens_ptr,
    k_ptr,
    s_ptr,
    rows: tl.int64,
    page_words: tl.int64,
    table_stride: tl.int64,
    PAGE_SIZE: tl.constexpr,
    K_WORDS: tl.constexpr,
):
    page = tl.program_id(0)
    sequence = tl.program_id(1)
    length = tl.load(lens_ptr + sequence)
    if page * PAGE_SIZE >= length:
        return
    before = tl.zeros((), tl.int64)
    first = tl.zeros((), tl.int32)
    while first < sequence:
        others = first + tl.arange(0, 64)
        before += tl.sum(tl.load(lens_ptr + others, mask=others < sequence, other=0))
        first += 64
    token = tl.arange(0, PAGE_SIZE)
    word = tl.arange(0, K_WORDS)
    row = before + page * PAGE_SIZE
    wanted = token < tl.minimum(length - page * PAGE_SIZE, rows - row)
    number = tl.load(table_ptr + sequence * table_stride + page).to(tl.int64)
    words = tl.multiple_of((buf_ptr + number * page_words * 4).to(tl.pointer_type(tl.int32), bitcast=True), 16)
    k_out = tl.multiple_of((k_ptr + row * K_WORDS * 4).to(tl.pointer_type(tl.int32), bitcast=True), 16)
    s_out = (s_ptr + row * 4).to(tl.pointer_type(tl.int32), bitcast=True)
    within = token[:, None] * K_WORDS + word[None, :]
    k = tl.load(words + within, mask=wanted[:, None], other=0)
    s = tl.load(words + PAGE_SIZE * K_WORDS + token, mask=wanted, other=0)
    tl.store(k_out + within, k, mask=wanted[:, None])
    tl.store(s_out + token, s, mask=wanted)


def get_k_and_s(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim):
    """Gather K and S; see `kernels.get_k_and_s`. Only for aligned pools, and production's page and key."""
    if (page_size, index_head_dim) != (64, 128) or buf.data_ptr() % 16:
        raise ValueError("page_size, index_head_dim, buf: expected 64, 128 and a pool that is aligned to 16 bytes")
    k = torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)
    s = torch.empty((seq_len_sum, 4), dtype=torch.uint8, device=buf.device)
    grid = (triton.cdiv(max_seq_len, page_size), len(seq_lens))
    _page_kernel[grid](
        buf,
        page_indices,
        seq_lens,
        k,
        s,
        seq_len_sum,
        buf.stride(0) // 4,
        page_indices.stride(0),
        PAGE_SIZE=page_size,
        K_WORDS=index_head_dim // 4,
        num_warps=4,
    )
    return k, s
