"""What odd implementations share: a right gather of one tile, and what a launch of it is given."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl

from kernels.arguments import check_arguments

TILE = 32
"""Tokens of a tile where an implementation has no wish of its own."""

NUMBERS = (
    "num_pages",
    "page_stride",
    "table_stride",
    "table_step",
    "lens_stride",
    "rows",
    "longest",
)
"""Parameters of kernels that no code is to be specialised on."""

Parts = tuple[torch.Tensor, torch.Tensor]
Run = Callable[["Launch"], None]


@triton.jit
def place_of_tile(lens_ptr, lens_stride, sequence, tile, rows, longest, TILE: tl.constexpr):
    """Return tokens of a tile of a sequence, the rows that they become, and which of them there are."""
    length = tl.load(lens_ptr + sequence.to(tl.int64) * lens_stride).to(tl.int64)
    length = tl.minimum(tl.maximum(length, 0), longest)
    first_row = tl.zeros((), tl.int64)
    start = tl.zeros((), tl.int32)
    while start < sequence:
        index = start + tl.arange(0, 256)
        before = tl.load(lens_ptr + index.to(tl.int64) * lens_stride, mask=index < sequence, other=0).to(tl.int64)
        first_row += tl.sum(tl.minimum(tl.maximum(before, 0), longest))
        start += 256
    token = tile.to(tl.int64) * TILE + tl.arange(0, TILE)
    row = first_row + token
    return token, row, (token < length) & (row < rows)


@triton.jit
def copy_tile(
    sequence,
    tile,
    buf_ptr,
    table_ptr,
    lens_ptr,
    k_ptr,
    s_ptr,
    num_pages,
    page_stride,
    table_stride,
    table_step,
    lens_stride,
    rows,
    longest,
    PAGE_SIZE: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    LANES: tl.constexpr,
    TILE: tl.constexpr,
    WITH_K: tl.constexpr,
    WITH_S: tl.constexpr,
):
    """Copy tile number `tile` of a sequence."""
    token, row, is_row = place_of_tile(lens_ptr, lens_stride, sequence, tile, rows, longest, TILE)
    entry = table_ptr + sequence.to(tl.int64) * table_stride + token // PAGE_SIZE * table_step
    page = tl.load(entry, mask=is_row, other=-1).to(tl.int64)
    is_page = is_row & (page >= 0) & (page < num_pages)
    page_start = tl.where(is_page, page, 0) * page_stride
    slot = token % PAGE_SIZE
    if WITH_K:
        lane = tl.arange(0, LANES)
        k_from = buf_ptr + (page_start + slot * HEAD_DIM)[:, None] + lane[None, :]
        k = tl.load(k_from, mask=is_page[:, None] & (lane < HEAD_DIM)[None, :], other=0)
        k_to = k_ptr + (row * HEAD_DIM)[:, None] + lane[None, :]
        tl.store(k_to, k, mask=is_row[:, None] & (lane < HEAD_DIM)[None, :])
    if WITH_S:
        byte = tl.arange(0, 4)
        s_from = buf_ptr + (page_start + PAGE_SIZE * HEAD_DIM + slot * 4)[:, None] + byte[None, :]
        s = tl.load(s_from, mask=is_page[:, None], other=0)
        tl.store(s_ptr + (row * 4)[:, None] + byte[None, :], s, mask=is_row[:, None])


@triton.jit(do_not_specialize=NUMBERS)
def tile_kernel(
    buf_ptr,
    table_ptr,
    lens_ptr,
    k_ptr,
    s_ptr,
    num_pages,
    page_stride,
    table_stride,
    table_step,
    lens_stride,
    rows,
    longest,
    PAGE_SIZE: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    LANES: tl.constexpr,
    TILE: tl.constexpr,
    WITH_K: tl.constexpr,
    WITH_S: tl.constexpr,
):
    """Program (x, y) copies tile x of sequence y."""
    copy_tile(
        tl.program_id(1),
        tl.program_id(0),
        buf_ptr,
        table_ptr,
        lens_ptr,
        k_ptr,
        s_ptr,
        num_pages,
        page_stride,
        table_stride,
        table_step,
        lens_stride,
        rows,
        longest,
        PAGE_SIZE,
        HEAD_DIM,
        LANES,
        TILE,
        WITH_K,
        WITH_S,
    )


class Launch(NamedTuple):
    """What a launch needs to know of a call that has rows."""

    buf: torch.Tensor
    page_indices: torch.Tensor
    seq_lens: torch.Tensor
    k: torch.Tensor
    s: torch.Tensor
    batch: int
    longest: int
    """Tokens of the longest sequence, as far as the host knows."""
    page_size: int
    index_head_dim: int
    with_k: bool
    with_s: bool

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The tensors and numbers that kernels begin with."""
        tensors = (self.buf, self.page_indices, self.seq_lens, self.k, self.s)
        strides = (self.buf.stride(0), *self.page_indices.stride(), self.seq_lens.stride(0))
        return (*tensors, self.buf.shape[0], *strides, self.k.shape[0], self.longest)

    @property
    def constants(self) -> dict[str, Any]:
        """What is the same for every tile of calls of one geometry."""
        return {
            "PAGE_SIZE": self.page_size,
            "HEAD_DIM": self.index_head_dim,
            "LANES": triton.next_power_of_2(self.index_head_dim),
            "WITH_K": self.with_k,
            "WITH_S": self.with_s,
        }


def launch_tiles(launch: Launch) -> None:
    """Launch a program a tile."""
    grid = (triton.cdiv(launch.longest, TILE), launch.batch)
    tile_kernel[grid](*launch.arguments, **launch.constants, TILE=TILE)


def gather(run: Run, with_k: bool, with_s: bool, arguments: tuple[Any, ...]) -> Parts:
    """Gather K and S by one launch of `run`; what is not asked for stays unwritten.

    Raises:
        TypeError, ValueError: see `kernels.arguments.check_arguments`.
    """
    buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim = arguments
    check_arguments(*arguments)
    k, s = buf.new_empty(seq_len_sum, index_head_dim), buf.new_empty(seq_len_sum, 4)
    batch, longest = seq_lens.shape[0], min(max_seq_len, seq_len_sum)
    if batch and longest:
        asked = (batch, longest, page_size, index_head_dim, with_k, with_s)
        run(Launch(buf, page_indices, seq_lens, k, s, *asked))
    return k, s


def functions_of(run: Run) -> tuple[Callable[..., Parts], Callable[..., torch.Tensor], Callable[..., torch.Tensor]]:
    """Return `get_k_and_s`, `get_k` and `get_s` that launch by `run`."""

    def get_k_and_s(*arguments: Any) -> Parts:
        return gather(run, True, True, arguments)

    def get_k(*arguments: Any) -> torch.Tensor:
        return gather(run, True, False, arguments)[0]

    def get_s(*arguments: Any) -> torch.Tensor:
        return gather(run, False, True, arguments)[1]

    return get_k_and_s, get_k, get_s
