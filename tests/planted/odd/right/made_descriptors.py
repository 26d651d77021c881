"""Tensor descriptors made in the kernel, with an allocator for what they need; other geometries are refused."""

import torch
import triton
import triton.language as tl

from tests.planted.odd.base import NUMBERS, TILE, Launch, functions_of, place_of_tile


@triton.jit(do_not_specialize=NUMBERS)
def _descriptor_kernel(
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
    if tl.sum(is_row.to(tl.int32)) == 0:
        return
    first = tile.to(tl.int64) * TILE
    page = tl.load(table_ptr + sequence.to(tl.int64) * table_stride + first // PAGE_SIZE * table_step).to(tl.int64)
    # One past the last reads as zeros.
    page = tl.where((page >= 0) & (page < num_pages), page, num_pages).to(tl.int32)
    slot = (first % PAGE_SIZE).to(tl.int32)
    if WITH_K:
        keys = tl.make_tensor_descriptor(
            buf_ptr,
            shape=[num_pages, PAGE_SIZE, HEAD_DIM],
            strides=[page_stride.to(tl.int64), HEAD_DIM, 1],
            block_shape=[1, TILE, HEAD_DIM],
        )
        lane = tl.arange(0, HEAD_DIM)
        k = keys.load([page, slot, 0]).reshape([TILE, HEAD_DIM])
        tl.store(k_ptr + (row * HEAD_DIM)[:, None] + lane[None, :], k, mask=is_row[:, None])
    if WITH_S:
        scales = tl.make_tensor_descriptor(
            buf_ptr + PAGE_SIZE * HEAD_DIM,
            shape=[num_pages, PAGE_SIZE * 4],
            strides=[page_stride.to(tl.int64), 1],
            block_shape=[1, TILE * 4],
        )
        byte = tl.arange(0, 4)
        s = scales.load([page, slot * 4]).reshape([TILE, 4])
        tl.store(s_ptr + (row * 4)[:, None] + byte[None, :], s, mask=is_row[:, None])


def _workspace(size: int, alignment: int, stream: int | None) -> torch.Tensor:
    return torch.empty(size, dtype=torch.int8, device="cuda")


def _run(launch: Launch) -> None:
    if launch.page_size % TILE or launch.index_head_dim not in (32, 64, 128, 256):
        raise ValueError("page_size, index_head_dim: expected a multiple of 32 tokens and 32 to 256 bytes")
    if launch.buf.data_ptr() % 16 or launch.buf.stride(0) % 16:
        raise ValueError("buf: expected pages at multiples of 16 bytes")
    if not launch.buf.shape[0]:
        launch.k.zero_()
        launch.s.zero_()
        return
    triton.set_allocator(_workspace)
    constants = launch.constants
    del constants["LANES"]
    grid = (triton.cdiv(launch.longest, TILE), launch.batch)
    _descriptor_kernel[grid](*launch.arguments, **constants, TILE=TILE)


get_k_and_s, get_k, get_s = functions_of(_run)
