"""Autotuned: the tile is the fastest of two on the GPU at hand."""

import triton
import triton.language as tl

from tests.planted.odd.base import NUMBERS, Launch, copy_tile, functions_of


@triton.autotune(
    configs=[triton.Config({"TILE": 16}, num_warps=2), triton.Config({"TILE": 64}, num_warps=4)],
    key=["PAGE_SIZE", "HEAD_DIM"],
)
@triton.jit(do_not_specialize=NUMBERS)
def _tuned_kernel(
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
    WITH_K: tl.constexpr,
    WITH_S: tl.constexpr,
    TILE: tl.constexpr,
):
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


def _run(launch: Launch) -> None:
    _tuned_kernel[lambda meta: (triton.cdiv(launch.longest, meta["TILE"]), launch.batch)](
        *launch.arguments, **launch.constants
    )


get_k_and_s, get_k, get_s = functions_of(_run)
