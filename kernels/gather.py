"""`get_k`, `get_s` and `get_k_and_s`: one Triton launch a call, one program for each tile of 64 tokens."""

import torch
import triton
import triton.language as tl

from kernels.arguments import check_arguments
from kernels.layout import SCALE_BYTES

TILE_TOKENS = 64
"""Consecutive tokens of one sequence that a program copies."""

LENGTHS_AT_ONCE = (1, 32, 1024)
"""Lengths that a program reads in one step while it looks for its sequence: the smallest that holds the batch."""

WORD_BYTES = 4
"""K and S are copied in words of this size where every address allows it, else byte by byte."""


@triton.jit
def _gather_kernel(
    buf_ptr,
    page_indices_ptr,
    seq_lens_ptr,
    k_ptr,
    s_ptr,
    num_pages,
    batch,
    max_pages,
    seq_len_sum,
    buf_stride,
    table_stride,
    table_step,
    seq_lens_stride,
    PAGE_SIZE: tl.constexpr,
    K_UNITS: tl.constexpr,
    S_UNITS: tl.constexpr,
    K_BLOCK: tl.constexpr,
    LENGTHS: tl.constexpr,
    TILE: tl.constexpr,
    GATHER_K: tl.constexpr,
    GATHER_S: tl.constexpr,
):
    """Copy one tile. Units are words or bytes; `buf_ptr`, `k_ptr`, `s_ptr` and `buf_stride` count in them.

    The device's lengths decide what is copied, the host's `seq_len_sum` and `max_pages` bound it: where they
    disagree, rows stay unwritten or are cut off, and nothing outside the arguments and results is touched.
    """
    tile = tl.program_id(0).to(tl.int64)

    # The tile's sequence is the first whose tiles, summed over all sequences before, reach past it.
    first_row = tl.zeros((), dtype=tl.int64)
    sequence = tl.zeros((), dtype=tl.int64)
    tiles_before = tl.zeros((), dtype=tl.int64)
    tiles_seen = tl.zeros((), dtype=tl.int64)
    for start in range(0, batch, LENGTHS):
        if tiles_seen <= tile:
            index = start + tl.arange(0, LENGTHS)
            lengths = tl.load(seq_lens_ptr + index.to(tl.int64) * seq_lens_stride, mask=index < batch, other=0)
            lengths = tl.minimum(tl.maximum(lengths.to(tl.int64), 0), seq_len_sum)
            tiles = (lengths + TILE - 1) // TILE
            tiles_up_to = tiles_seen + tl.cumsum(tiles, 0)
            is_before = (tiles_up_to <= tile) & (index < batch)
            first_row += tl.sum(tl.where(is_before, lengths, 0), 0)
            sequence += tl.sum(is_before.to(tl.int64), 0)
            tiles_before += tl.sum(tl.where(is_before, tiles, 0), 0)
            tiles_seen += tl.sum(tiles, 0)
    if tiles_seen <= tile:
        return

    length = tl.load(seq_lens_ptr + sequence * seq_lens_stride).to(tl.int64)
    token = (tile - tiles_before) * TILE + tl.arange(0, TILE)
    row = first_row + token
    ordinal = token // PAGE_SIZE
    slot = token % PAGE_SIZE
    is_row = (token < length) & (row < seq_len_sum)
    page = tl.load(
        page_indices_ptr + sequence * table_stride + ordinal * table_step,
        mask=is_row & (ordinal < max_pages),
        other=-1,
    ).to(tl.int64)
    is_page = is_row & (page >= 0) & (page < num_pages)
    page_start = tl.where(is_page, page, 0) * buf_stride

    if GATHER_K:
        unit = tl.arange(0, K_BLOCK)
        is_unit = unit < K_UNITS
        k = tl.load(
            buf_ptr + (page_start + slot * K_UNITS)[:, None] + unit[None, :],
            mask=is_page[:, None] & is_unit[None, :],
            other=0,
        )
        tl.store(k_ptr + (row * K_UNITS)[:, None] + unit[None, :], k, mask=is_row[:, None] & is_unit[None, :])
    if GATHER_S:
        scale_unit = tl.arange(0, S_UNITS)
        s = tl.load(
            buf_ptr + (page_start + PAGE_SIZE * K_UNITS + slot * S_UNITS)[:, None] + scale_unit[None, :],
            mask=is_page[:, None],
            other=0,
        )
        tl.store(s_ptr + (row * S_UNITS)[:, None] + scale_unit[None, :], s, mask=is_row[:, None])


def get_k_and_s(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather the keys and scales of every token of a batch out of a paged pool, in one launch.

    Token `t` of sequence `b` lies in slot `t % page_size` of page `page_indices[b, t // page_size]` and becomes row
    `seq_lens[:b].sum() + t` of the results.

    Args:
        buf: `(num_pages, page_size * (index_head_dim + 4))` uint8, the pool; rows may lie further apart than their
            length.
        page_indices: `(batch, max_pages)` int32 or int64, the pages of each sequence in order; any strides. Entries
            past a sequence's last page are never read.
        seq_lens: `(batch,)` int32 or int64, tokens of each sequence; any stride.
        seq_len_sum: the sum of `seq_lens`, rows of the results.
        max_seq_len: the maximum of `seq_lens`; it is checked against the table's width and not used otherwise.
        page_size: tokens of a page.
        index_head_dim: bytes of a key, a multiple of 4 up to 512.

    Returns:
        `k`, `(seq_len_sum, index_head_dim)` uint8, and `s`, `(seq_len_sum, 4)` uint8: new, contiguous, on `buf`'s
        device. Rows of pages outside the pool are zero. If the device's `seq_lens` disagree with the host's numbers,
        nothing outside the arguments is read and nothing outside the results is written.

    Raises:
        TypeError: an argument is of the wrong type or dtype.
        ValueError: an argument's rank, shape, device or value is wrong.
    """
    return _gather(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim, "k_and_s")


def get_k(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> torch.Tensor:
    """Gather the keys alone: the first result of `get_k_and_s`, with the same arguments and errors."""
    return _gather(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim, "k")[0]


def get_s(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> torch.Tensor:
    """Gather the scales alone: the second result of `get_k_and_s`, with the same arguments and errors."""
    return _gather(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim, "s")[1]


def _gather(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
    wanted: str,
) -> tuple[torch.Tensor, torch.Tensor]:
    layout = check_arguments(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim)
    gather_k, gather_s = "k" in wanted, "s" in wanted
    # One allocation for both: S follows K, and K's rows keep its alignment.
    k_bytes = seq_len_sum * index_head_dim if gather_k else 0
    s_bytes = seq_len_sum * SCALE_BYTES if gather_s else 0
    both = torch.empty(k_bytes + s_bytes, dtype=torch.uint8, device=buf.device)
    k = both[:k_bytes].view(-1, index_head_dim)
    s = both[k_bytes:].view(-1, SCALE_BYTES)
    batch, max_pages = page_indices.shape
    if seq_len_sum == 0 or batch == 0:
        return k, s

    in_words = all(
        at % WORD_BYTES == 0 for at in (buf.data_ptr(), buf.storage_offset(), buf.stride(0), both.data_ptr())
    )
    unit_bytes = WORD_BYTES if in_words else 1
    as_units = torch.int32 if in_words else torch.uint8
    k_units = index_head_dim // unit_bytes
    # Every tile but the last of each sequence is full.
    tiles = seq_len_sum // TILE_TOKENS + batch
    with torch.cuda.device_of(buf):
        _gather_kernel[(tiles,)](
            _as_units(buf, as_units),
            page_indices,
            seq_lens,
            k.view(as_units),
            s.view(as_units),
            buf.shape[0],
            batch,
            max_pages,
            seq_len_sum,
            buf.stride(0) // unit_bytes,
            page_indices.stride(0),
            page_indices.stride(1),
            seq_lens.stride(0),
            PAGE_SIZE=layout.page_size,
            K_UNITS=k_units,
            S_UNITS=SCALE_BYTES // unit_bytes,
            K_BLOCK=triton.next_power_of_2(k_units),
            LENGTHS=next((n for n in LENGTHS_AT_ONCE if batch <= n), LENGTHS_AT_ONCE[-1]),
            TILE=TILE_TOKENS,
            GATHER_K=gather_k,
            GATHER_S=gather_s,
        )
    return k, s


def _as_units(buf: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return buf.view(dtype) if buf.storage_offset() % dtype.itemsize == 0 else buf
