"""Correct K/S gathers of several styles, on which the checked interpreter must stay silent.

Each `gather_*` takes the seven arguments of `get_k_and_s` after `word_bytes`: 1 moves single bytes, 4 moves
words. Pages outside the pool give rows of zeros.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def _addresses(pages, slots, rows, page_words, s_start, HEAD: tl.constexpr, SCALE: tl.constexpr):
    """Where the K and S of one token a row come from and go to, in words."""
    k_lanes = tl.arange(0, HEAD)[None, :]
    s_lanes = tl.arange(0, SCALE)[None, :]
    page_start = pages.to(tl.int64) * page_words
    k_from = (page_start + slots * HEAD)[:, None] + k_lanes
    s_from = (page_start + s_start + slots * SCALE)[:, None] + s_lanes
    to = rows.to(tl.int64)[:, None]
    return k_from, s_from, to * HEAD + k_lanes, to * SCALE + s_lanes


@triton.jit
def _tile_kernel(
    buf_ptr,
    page_indices_ptr,
    seq_lens_ptr,
    k_ptr,
    s_ptr,
    num_pages,
    table_stride,
    page_words,
    s_start,
    rows_total,
    PAGE_SIZE: tl.constexpr,
    HEAD: tl.constexpr,
    SCALE: tl.constexpr,
    TILE: tl.constexpr,
    BATCH_BLOCK: tl.constexpr,
):
    """One program a tile of tokens of one sequence."""
    sequence = tl.program_id(0)
    tokens = tl.program_id(1) * TILE + tl.arange(0, TILE)
    seq_len = tl.load(seq_lens_ptr + sequence)
    if tl.program_id(1) * TILE >= seq_len:
        return
    before = tl.arange(0, BATCH_BLOCK)
    lens_before = tl.load(seq_lens_ptr + before, mask=before < sequence, other=0)
    rows = tl.sum(lens_before) + tokens
    wanted = (tokens < seq_len) & (rows < rows_total)
    table_row = page_indices_ptr + sequence.to(tl.int64) * table_stride
    pages = tl.load(table_row + tokens // PAGE_SIZE, mask=wanted, other=-1)
    known = wanted & (pages >= 0) & (pages < num_pages)
    k_from, s_from, k_to, s_to = _addresses(pages, tokens % PAGE_SIZE, rows, page_words, s_start, HEAD, SCALE)
    k = tl.load(buf_ptr + k_from, mask=known[:, None], other=0)
    s = tl.load(buf_ptr + s_from, mask=known[:, None], other=0)
    tl.store(k_ptr + k_to, k, mask=wanted[:, None])
    tl.store(s_ptr + s_to, s, mask=wanted[:, None])


@triton.jit
def _page_kernel(
    buf_ptr,
    page_indices_ptr,
    seq_lens_ptr,
    k_ptr,
    s_ptr,
    num_pages,
    table_stride,
    page_words,
    s_start,
    PAGE_SIZE: tl.constexpr,
    HEAD: tl.constexpr,
    SCALE: tl.constexpr,
    BATCH_BLOCK: tl.constexpr,
):
    """One program a page of one sequence; keys and scales are contiguous on both sides."""
    sequence = tl.program_id(0)
    first_token = tl.program_id(1) * PAGE_SIZE
    seq_len = tl.load(seq_lens_ptr + sequence)
    if first_token >= seq_len:
        return
    before = tl.arange(0, BATCH_BLOCK)
    lens_before = tl.load(seq_lens_ptr + before, mask=before < sequence)
    row = tl.sum(tl.where(before < sequence, lens_before, 0)) + first_token
    page = tl.load(page_indices_ptr + sequence.to(tl.int64) * table_stride + tl.program_id(1)).to(tl.int64)
    known = (page >= 0) & (page < num_pages)
    k_lanes = tl.arange(0, PAGE_SIZE * HEAD)
    s_lanes = tl.arange(0, PAGE_SIZE * SCALE)
    tokens = tl.minimum(seq_len - first_token, PAGE_SIZE)
    k_mask = k_lanes < tokens * HEAD
    s_mask = s_lanes < tokens * SCALE
    k = tl.load(buf_ptr + page * page_words + k_lanes, mask=k_mask & known, other=0)
    s = tl.load(buf_ptr + page * page_words + s_start + s_lanes, mask=s_mask & known, other=0)
    tl.store(k_ptr + row.to(tl.int64) * HEAD + k_lanes, k, mask=k_mask)
    tl.store(s_ptr + row.to(tl.int64) * SCALE + s_lanes, s, mask=s_mask)


@triton.jit
def _token_kernel(
    buf_ptr,
    page_indices_ptr,
    seq_lens_ptr,
    k_ptr,
    s_ptr,
    num_pages,
    table_stride,
    page_words,
    s_start,
    batch,
    PAGE_SIZE: tl.constexpr,
    HEAD: tl.constexpr,
    SCALE: tl.constexpr,
    BATCH_BLOCK: tl.constexpr,
):
    """One program a token; the sequence is found by a scan of the lengths."""
    row = tl.program_id(0)
    sequences = tl.arange(0, BATCH_BLOCK)
    lens = tl.load(seq_lens_ptr + sequences, mask=sequences < batch, other=0)
    ends = tl.cumsum(lens, 0)
    finished = (ends <= row) & (sequences < batch)
    sequence = tl.sum(finished.to(tl.int32))
    token = row - tl.sum(tl.where(finished, lens, 0))
    page = tl.load(page_indices_ptr + sequence.to(tl.int64) * table_stride + token // PAGE_SIZE).to(tl.int64)
    known = (page >= 0) & (page < num_pages)
    slot = token % PAGE_SIZE
    k_lanes = tl.arange(0, HEAD)
    s_lanes = tl.arange(0, SCALE)
    k = tl.load(buf_ptr + page * page_words + slot * HEAD + k_lanes, mask=known, other=0)
    s = tl.load(buf_ptr + page * page_words + s_start + slot * SCALE + s_lanes, mask=known, other=0)
    tl.store(k_ptr + row.to(tl.int64) * HEAD + k_lanes, k)
    tl.store(s_ptr + row.to(tl.int64) * SCALE + s_lanes, s)


def word_view(tensor: torch.Tensor, word_bytes: int) -> torch.Tensor:
    """`tensor` (uint8) as elements of `word_bytes` bytes."""
    return tensor.view({1: torch.uint8, 4: torch.int32}[word_bytes])


def launched(kernel, grid, word_bytes, arguments, *more, before=(), **constants):
    """Launch a kernel on the arguments of a gather, and return k `(seq_len_sum, index_head_dim)` and s, uint8.

    It gets the pool, what is `before` the table, table and lengths, the results, what all need to know, and `more`.
    """
    buf, page_indices, seq_lens, seq_len_sum, _, page_size, index_head_dim = arguments
    k, s = (torch.empty((seq_len_sum, width), dtype=torch.uint8) for width in (index_head_dim, 4))
    words, *results = (word_view(tensor, word_bytes) for tensor in (buf, k, s))
    sizes = (buf.shape[0], page_indices.stride(0), words.stride(0), page_size * index_head_dim // word_bytes)
    kernel[grid](
        *(words, *before, page_indices, seq_lens, *results, *sizes, *more),
        PAGE_SIZE=page_size,
        HEAD=index_head_dim // word_bytes,
        SCALE=4 // word_bytes,
        BATCH_BLOCK=triton.next_power_of_2(len(seq_lens)),
        **constants,
    )
    return k, s


def page_grid(arguments):
    """A program a sequence and page."""
    return len(arguments[2]), triton.cdiv(arguments[4], arguments[5])


def gather_tiles(word_bytes, *arguments):
    """256 tokens of one sequence a program."""
    _, _, seq_lens, seq_len_sum, max_seq_len, _, _ = arguments
    grid = len(seq_lens), triton.cdiv(max_seq_len, 256)
    return launched(_tile_kernel, grid, word_bytes, arguments, seq_len_sum, TILE=256)


def gather_pages(word_bytes, *arguments):
    """One page of one sequence a program."""
    return launched(_page_kernel, page_grid(arguments), word_bytes, arguments)


def gather_tokens(word_bytes, *arguments):
    """One token a program."""
    return launched(_token_kernel, (arguments[3],), word_bytes, arguments, len(arguments[2]))
