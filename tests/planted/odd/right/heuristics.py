"""Heuristics: constants of the kernel are functions of its arguments."""

import triton
import triton.language as tl

from tests.planted.odd.base import NUMBERS, Launch, copy_tile, functions_of


@triton.heuristics(
    {
        "TILE": lambda arguments: 16 if arguments["PAGE_SIZE"] <= 16 else 64,
        "LANES": lambda arguments: triton.next_power_of_2(arguments["HEAD_DIM"]),
        "num_warps": lambda arguments: 2 if arguments["HEAD_DIM"] <= 64 else 4,
    }
)
@triton.jit(do_not_specialize=NUMBERS)
def _fitted_kernel(
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
    WITH_K: tl.constexpr,
    WITH_S: tl.constexpr,
    TILE: tl.constexpr,
    LANES: tl.constexpr,
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
    constants = launch.constants
    del constants["LANES"]
    _fitted_kernel[lambda meta: (triton.cdiv(launch.longest, meta["TILE"]), launch.batch)](
        *launch.arguments, **constants
    )


get_k_and_s, get_k, get_s = functions_of(_run)
