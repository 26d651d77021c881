"""Block pointers on both sides: a tile of one page a program. Geometries that do not fit a block are refused."""

import triton
import triton.language as tl

from tests.planted.odd.base import NUMBERS, TILE, Launch, functions_of, place_of_tile


@triton.jit(do_not_specialize=NUMBERS)
def _block_kernel(
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
    TILE: tl.constexpr,
    WITH_K: tl.constexpr,
    WITH_S: tl.constexpr,
):
    """A tile lies in one page: `TILE` divides `PAGE_SIZE`."""
    sequence = tl.program_id(1)
    tile = tl.program_id(0)
    _, row, is_row = place_of_tile(lens_ptr, lens_stride, sequence, tile, rows, longest, TILE)
    count = tl.sum(is_row.to(tl.int32))
    if count == 0:
        return
    first = tile.to(tl.int64) * TILE
    first_row = tl.min(row)
    page = tl.load(table_ptr + sequence.to(tl.int64) * table_stride + first // PAGE_SIZE * table_step).to(tl.int64)
    is_page = (page >= 0) & (page < num_pages)
    page_start = buf_ptr + tl.where(is_page, page, 0) * page_stride
    slot = (first % PAGE_SIZE).to(tl.int32)
    # Rows of a block that is to be read, which are none of a page outside of the pool.
    there = tl.where(is_page, slot + count, 0)
    if WITH_K:
        k_from = tl.make_block_ptr(page_start, (there, HEAD_DIM), (HEAD_DIM, 1), (slot, 0), (TILE, HEAD_DIM), (1, 0))
        k = tl.load(k_from, boundary_check=(0,), padding_option="zero")
        k_to = tl.make_block_ptr(
            k_ptr + first_row * HEAD_DIM, (count, HEAD_DIM), (HEAD_DIM, 1), (0, 0), (TILE, HEAD_DIM), (1, 0)
        )
        tl.store(k_to, k, boundary_check=(0,))
    if WITH_S:
        s_start = page_start + PAGE_SIZE * HEAD_DIM
        s_from = tl.make_block_ptr(s_start, (there, 4), (4, 1), (slot, 0), (TILE, 4), (1, 0))
        s = tl.load(s_from, boundary_check=(0,), padding_option="zero")
        s_to = tl.make_block_ptr(s_ptr + first_row * 4, (count, 4), (4, 1), (0, 0), (TILE, 4), (1, 0))
        tl.store(s_to, s, boundary_check=(0,))


def _run(launch: Launch) -> None:
    if launch.page_size % TILE or launch.index_head_dim & (launch.index_head_dim - 1):
        raise ValueError("page_size, index_head_dim: expected a multiple of 32 tokens and a power of two")
    constants = launch.constants
    del constants["LANES"]
    grid = (triton.cdiv(launch.longest, TILE), launch.batch)
    _block_kernel[grid](*launch.arguments, **constants, TILE=TILE)


get_k_and_s, get_k, get_s = functions_of(_run)
