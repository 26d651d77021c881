"""A token a program, byte by byte: slow on the interpreter, and right."""

import triton
import triton.language as tl

from tests.planted.odd.base import NUMBERS, Launch, functions_of


@triton.jit(do_not_specialize=[*NUMBERS, "batch"])
def _byte_kernel(
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
    PAGE_SIZE: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    WITH_K: tl.constexpr,
    WITH_S: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    sequence = tl.zeros((), tl.int64)
    token = row
    length = tl.minimum(tl.maximum(tl.load(lens_ptr).to(tl.int64), 0), longest)
    while (token >= length) & (sequence < batch - 1):
        token -= length
        sequence += 1
        length = tl.minimum(tl.maximum(tl.load(lens_ptr + sequence * lens_stride).to(tl.int64), 0), longest)
    if token >= length:
        return
    page = tl.load(table_ptr + sequence * table_stride + token // PAGE_SIZE * table_step).to(tl.int64)
    is_page = (page >= 0) & (page < num_pages)
    page_start = buf_ptr + page * page_stride
    slot = token % PAGE_SIZE
    if WITH_K:
        for byte in range(HEAD_DIM):
            value = tl.load(page_start + slot * HEAD_DIM + byte, mask=is_page, other=0)
            tl.store(k_ptr + row * HEAD_DIM + byte, value)
    if WITH_S:
        for byte in range(4):
            value = tl.load(page_start + PAGE_SIZE * HEAD_DIM + slot * 4 + byte, mask=is_page, other=0)
            tl.store(s_ptr + row * 4 + byte, value)


def _run(launch: Launch) -> None:
    constants = launch.constants
    del constants["LANES"]
    _byte_kernel[(launch.k.shape[0],)](*launch.arguments, launch.batch, **constants)


get_k_and_s, get_k, get_s = functions_of(_run)
