"""A correct, strict gather, written plainly so that bugs can be planted in it by replacing lines.

One program copies up to 32 tokens of one sequence. `tests/planted/bugs/` names the lines that it replaces, so each
must stay unique in this file.
"""

import torch
import triton
import triton.language as tl

from kernels.arguments import check_arguments

BLOCK = 32


@triton.jit
def _planted_kernel(
    buf_ptr,
    table_ptr,
    lens_ptr,
    k_ptr,
    s_ptr,
    batch,
    num_pages,
    max_pages,
    rows,
    buf_stride,
    table_stride,
    table_step,
    lens_stride,
    PAGE_SIZE: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    K_BLOCK: tl.constexpr,
    BLOCK: tl.constexpr,
    BATCH_BLOCK: tl.constexpr,
    WITH_K: tl.constexpr,
    WITH_S: tl.constexpr,
):
    program = tl.program_id(0)
    block = program.to(tl.int64)
    index = tl.arange(0, BATCH_BLOCK)
    lengths = tl.load(lens_ptr + index.to(tl.int64) * lens_stride, mask=index < batch, other=0).to(tl.int64)
    lengths = tl.minimum(tl.maximum(lengths, 0), rows)
    blocks = (lengths + BLOCK - 1) // BLOCK
    ends = tl.cumsum(blocks, 0)
    if block >= tl.sum(blocks, 0):
        return
    is_before = (ends <= block) & (index < batch)
    sequence = tl.sum(is_before.to(tl.int64), 0)
    start = tl.sum(tl.where(is_before, lengths, 0), 0)
    length = tl.sum(tl.where(index == sequence, lengths, 0), 0)
    block -= tl.sum(tl.where(is_before, blocks, 0), 0)
    token = block * BLOCK + tl.arange(0, BLOCK)
    row = start + token
    is_row = (token < length) & (row < rows)
    ordinal = token // PAGE_SIZE
    slot = token % PAGE_SIZE
    entry = table_ptr + sequence * table_stride + ordinal * table_step
    page = tl.load(entry, mask=is_row & (ordinal < max_pages), other=-1).to(tl.int64)
    is_page = is_row & (page >= 0) & (page < num_pages)
    page_start = page * buf_stride
    if WITH_K:
        lane = tl.arange(0, K_BLOCK)
        k_from = buf_ptr + (page_start + slot * HEAD_DIM)[:, None] + lane[None, :]
        k = tl.load(k_from, mask=is_page[:, None] & (lane < HEAD_DIM)[None, :], other=0)
        k_to = k_ptr + (row * HEAD_DIM)[:, None] + lane[None, :]
        tl.store(k_to, k, mask=is_row[:, None] & (lane < HEAD_DIM)[None, :])
    if WITH_S:
        scale_lane = tl.arange(0, 4)
        s_from = buf_ptr + (page_start + PAGE_SIZE * HEAD_DIM + slot * 4)[:, None] + scale_lane[None, :]
        s = tl.load(s_from, mask=is_page[:, None], other=0)
        s_to = s_ptr + (row * 4)[:, None] + scale_lane[None, :]
        tl.store(s_to, s, mask=is_row[:, None])


def _run(arguments, with_k, with_s):
    buf, page_indices, seq_lens, seq_len_sum, _, page_size, index_head_dim = arguments
    check_arguments(*arguments)
    k = torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)
    s = torch.empty((seq_len_sum, 4), dtype=torch.uint8, device=buf.device)
    batch, max_pages = page_indices.shape
    grid = (seq_len_sum // BLOCK + batch,)
    if seq_len_sum > 0 and batch > 0:
        _planted_kernel[grid](
            buf,
            page_indices,
            seq_lens,
            k,
            s,
            batch,
            buf.shape[0],
            max_pages,
            seq_len_sum,
            buf.stride(0),
            page_indices.stride(0),
            page_indices.stride(1),
            seq_lens.stride(0),
            PAGE_SIZE=page_size,
            HEAD_DIM=index_head_dim,
            K_BLOCK=triton.next_power_of_2(index_head_dim),
            BLOCK=BLOCK,
            BATCH_BLOCK=triton.next_power_of_2(batch),
            WITH_K=with_k,
            WITH_S=with_s,
        )
    return k, s


def get_k_and_s(*arguments):
    """Gather K and S; see `kernels.get_k_and_s`."""
    return _run(arguments, True, True)


def get_k(*arguments):
    """Gather K alone."""
    return _run(arguments, True, False)[0]


def get_s(*arguments):
    """Gather S alone."""
    return _run(arguments, False, True)[1]
