"""Persistent: as many programs as the GPU has SMs, each of which copies every so many tiles."""

import torch
import triton
import triton.language as tl

from tests.planted.odd.base import NUMBERS, TILE, Launch, copy_tile, functions_of


@triton.jit(do_not_specialize=[*NUMBERS, "batch", "tiles_each"])
def _persistent_kernel(
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
    batch,
    tiles_each,
    PAGE_SIZE: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    LANES: tl.constexpr,
    TILE: tl.constexpr,
    WITH_K: tl.constexpr,
    WITH_S: tl.constexpr,
):
    work = tl.program_id(0).to(tl.int64)
    while work < tiles_each.to(tl.int64) * batch:
        copy_tile(
            work // tiles_each,
            work % tiles_each,
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
        work += tl.num_programs(0)


def _run(launch: Launch) -> None:
    tiles_each = triton.cdiv(launch.longest, TILE)
    multiprocessors = torch.cuda.get_device_properties(launch.buf.device).multi_processor_count
    grid = (min(multiprocessors, tiles_each * launch.batch),)
    _persistent_kernel[grid](*launch.arguments, launch.batch, tiles_each, **launch.constants, TILE=TILE)


get_k_and_s, get_k, get_s = functions_of(_run)
