"""Kernels whose addresses wrap in 32 bits, and some that wrap without harm.

The tensors are large only in the strides that the kernels are told, so that a wrapped address is often a
valid one.
"""

import torch
import triton
import triton.language as tl

from .planted import ints, launched, planted, planted_in, space

STRIDE = 2**30
_BUF = torch.arange(4, dtype=torch.uint8)


def _out(count: int) -> torch.Tensor:
    return space(count, dtype=torch.uint8)


@planted("integer wrap", "buf", (1,), "4 * 1073741824 was computed in")
@launched(2, reads={"buf": _BUF}, rest=(_out(2), STRIDE))
@triton.jit
def program_times_stride(buf_ptr, out_ptr, stride):
    row = (tl.program_id(0) * 4) * stride  # BUG
    tl.store(out_ptr + tl.program_id(0), tl.load(buf_ptr + row))


@planted("integer wrap", "buf", (0,), "4 * 1073741824 was computed in int32")
@launched(1, reads={"page_indices": ints(0, 4, 0, 8), "buf": _BUF}, rest=(_out(4), STRIDE, 4))
@triton.jit
def page_times_stride(pages_ptr, buf_ptr, out_ptr, stride, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    # The first lane is undefined and not used: the message must not take it for its example.
    pages = tl.load(pages_ptr + lanes, mask=lanes > 0)
    start = pages * stride  # BUG
    tl.store(out_ptr + lanes, tl.load(buf_ptr + start + lanes, mask=lanes > 0, other=0))


@planted("integer wrap", "out", (0,), "a sum of 4294967296 was computed in int32")
@launched(1, reads={"seq_lens": ints(*[STRIDE] * 4)}, rest=(_out(2), 4))
@triton.jit
def sum_of_lengths(lens_ptr, out_ptr, BLOCK: tl.constexpr):
    total = tl.sum(tl.load(lens_ptr + tl.arange(0, BLOCK)))  # BUG
    tl.store(out_ptr + total, 1)


@planted("integer wrap", "out", (0,), "was computed in int32")
@launched(1, reads={"seq_lens": ints(*[STRIDE] * 4)}, rest=(_out(2), 4))
@triton.jit
def scan_of_lengths(lens_ptr, out_ptr, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    ends = tl.cumsum(tl.load(lens_ptr + lanes), 0)  # BUG
    tl.store(out_ptr + ends, lanes, mask=lanes == BLOCK - 1)


@planted("integer wrap", "buf", (1,), "4294967298 was cast to int32")
@launched(2, reads={"page_indices": ints(1, 2**32 + 2, dtype=torch.int64), "buf": _BUF}, rest=(_out(2),))
@triton.jit
def narrowed_page(pages_ptr, buf_ptr, out_ptr):
    page = tl.load(pages_ptr + tl.program_id(0)).to(tl.int32)  # BUG
    tl.store(out_ptr + tl.program_id(0), tl.load(buf_ptr + page))


@planted("integer wrap", "buf", (1,), "4 << 30 was computed in int32")
@launched(2, reads={"page_indices": ints(0, 4), "buf": _BUF}, rest=(_out(2),))
@triton.jit
def shifted_page(pages_ptr, buf_ptr, out_ptr):
    start = tl.load(pages_ptr + tl.program_id(0)) << 30  # BUG
    tl.store(out_ptr + tl.program_id(0), tl.load(buf_ptr + start))


@planted("integer wrap", "buf", (1,), "was computed in uint32")
@launched(2, reads={"starts": ints(1, 2**31 + 1, dtype=torch.uint32), "buf": _BUF}, rest=(_out(2),))
@triton.jit
def sum_past_32_bits(starts_ptr, buf_ptr, out_ptr):
    start = tl.load(starts_ptr + tl.program_id(0))
    at = start + start  # BUG
    tl.store(out_ptr + tl.program_id(0), tl.load(buf_ptr + at))


@launched(1, reads={"page_indices": space(5), "buf": _BUF}, rest=(space(5), 5, STRIDE, 8))
@triton.jit
def harmless_wraps(pages_ptr, buf_ptr, out_ptr, n, stride, BLOCK: tl.constexpr):
    """Wraps in masked lanes, in undefined lanes, and in a hash that is only stored."""
    lanes = tl.arange(0, BLOCK)
    pages = tl.load(pages_ptr + lanes, mask=lanes < n, other=9)
    x = tl.load(buf_ptr + pages * stride, mask=lanes < n, other=0)
    hashed = (x.to(tl.uint32) + 1) * 2654435761
    tl.store(out_ptr + lanes, hashed >> 16, mask=lanes < n)
    undefined = tl.load(pages_ptr + lanes, mask=lanes < n)
    tl.load(buf_ptr + undefined * stride, mask=lanes < n, other=0)
    wide = pages.to(tl.int64) * stride - pages.to(tl.int64) * stride
    tl.store(out_ptr + lanes + wide, hashed >> 16, mask=lanes < n)


PLANTED = planted_in(vars())
