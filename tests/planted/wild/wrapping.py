"""Kernels whose addresses wrap in 32 bits, and some that wrap without harm.

The tensors are large only in the strides that the kernels are told, so that a wrapped address is often a
valid one.
"""

import torch
import triton
import triton.language as tl

from .planted import Planted, Prepared

STRIDE = 2**30


@triton.jit
def program_times_stride(buf_ptr, out_ptr, stride):
    row = (tl.program_id(0) * 4) * stride  # BUG
    tl.store(out_ptr + tl.program_id(0), tl.load(buf_ptr + row))


def _program_times_stride() -> Prepared:
    buf = torch.arange(4, dtype=torch.uint8)
    out = torch.empty(2, dtype=torch.uint8)
    return {"buf": buf}, lambda: program_times_stride[(2,)](buf, out, STRIDE)


@triton.jit
def page_times_stride(pages_ptr, buf_ptr, out_ptr, stride, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    # The first lane is undefined and not used: the message must not take it for its example.
    pages = tl.load(pages_ptr + lanes, mask=lanes > 0)
    start = pages * stride  # BUG
    tl.store(out_ptr + lanes, tl.load(buf_ptr + start + lanes, mask=lanes > 0, other=0))


def _page_times_stride() -> Prepared:
    pages = torch.tensor([0, 4, 0, 8], dtype=torch.int32)
    buf = torch.arange(4, dtype=torch.uint8)
    out = torch.empty(4, dtype=torch.uint8)
    return (
        {"page_indices": pages, "buf": buf},
        lambda: page_times_stride[(1,)](pages, buf, out, STRIDE, BLOCK=4),
    )


@triton.jit
def sum_of_lengths(lens_ptr, out_ptr, BLOCK: tl.constexpr):
    total = tl.sum(tl.load(lens_ptr + tl.arange(0, BLOCK)))  # BUG
    tl.store(out_ptr + total, 1)


def _sum_of_lengths() -> Prepared:
    lens = torch.tensor([STRIDE, STRIDE, STRIDE, STRIDE], dtype=torch.int32)
    out = torch.empty(2, dtype=torch.uint8)
    return {"seq_lens": lens}, lambda: sum_of_lengths[(1,)](lens, out, BLOCK=4)


@triton.jit
def scan_of_lengths(lens_ptr, out_ptr, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    ends = tl.cumsum(tl.load(lens_ptr + lanes), 0)  # BUG
    tl.store(out_ptr + ends, lanes, mask=lanes == BLOCK - 1)


def _scan_of_lengths() -> Prepared:
    lens = torch.tensor([STRIDE, STRIDE, STRIDE, STRIDE], dtype=torch.int32)
    out = torch.empty(2, dtype=torch.uint8)
    return {"seq_lens": lens}, lambda: scan_of_lengths[(1,)](lens, out, BLOCK=4)


@triton.jit
def narrowed_page(pages_ptr, buf_ptr, out_ptr):
    page = tl.load(pages_ptr + tl.program_id(0)).to(tl.int32)  # BUG
    tl.store(out_ptr + tl.program_id(0), tl.load(buf_ptr + page))


def _narrowed_page() -> Prepared:
    pages = torch.tensor([1, 2**32 + 2], dtype=torch.int64)
    buf = torch.arange(4, dtype=torch.uint8)
    out = torch.empty(2, dtype=torch.uint8)
    return {"page_indices": pages, "buf": buf}, lambda: narrowed_page[(2,)](pages, buf, out)


@triton.jit
def shifted_page(pages_ptr, buf_ptr, out_ptr):
    start = tl.load(pages_ptr + tl.program_id(0)) << 30  # BUG
    tl.store(out_ptr + tl.program_id(0), tl.load(buf_ptr + start))


def _shifted_page() -> Prepared:
    pages = torch.tensor([0, 4], dtype=torch.int32)
    buf = torch.arange(4, dtype=torch.uint8)
    out = torch.empty(2, dtype=torch.uint8)
    return {"page_indices": pages, "buf": buf}, lambda: shifted_page[(2,)](pages, buf, out)


@triton.jit
def sum_past_32_bits(starts_ptr, buf_ptr, out_ptr):
    start = tl.load(starts_ptr + tl.program_id(0))
    at = start + start  # BUG
    tl.store(out_ptr + tl.program_id(0), tl.load(buf_ptr + at))


def _sum_past_32_bits() -> Prepared:
    starts = torch.tensor([1, 2**31 + 1], dtype=torch.int64).to(torch.uint32)
    buf = torch.arange(4, dtype=torch.uint8)
    out = torch.empty(2, dtype=torch.uint8)
    return {"starts": starts, "buf": buf}, lambda: sum_past_32_bits[(2,)](starts, buf, out)


@triton.jit
def harmless_wraps(pages_ptr, buf_ptr, out_ptr, n, stride, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    pages = tl.load(pages_ptr + lanes, mask=lanes < n, other=9)
    x = tl.load(buf_ptr + pages * stride, mask=lanes < n, other=0)
    hashed = (x.to(tl.uint32) + 1) * 2654435761
    tl.store(out_ptr + lanes, hashed >> 16, mask=lanes < n)
    undefined = tl.load(pages_ptr + lanes, mask=lanes < n)
    tl.load(buf_ptr + undefined * stride, mask=lanes < n, other=0)
    wide = pages.to(tl.int64) * stride - pages.to(tl.int64) * stride
    tl.store(out_ptr + lanes + wide, hashed >> 16, mask=lanes < n)


def harmless_wraps_case() -> Prepared:
    """Wraps in masked lanes, in undefined lanes, and in a hash that is only stored."""
    pages = torch.zeros(5, dtype=torch.int32)
    buf = torch.arange(4, dtype=torch.uint8)
    out = torch.empty(5, dtype=torch.int32)
    return (
        {"page_indices": pages, "buf": buf},
        lambda: harmless_wraps[(1,)](pages, buf, out, 5, STRIDE, BLOCK=8),
    )


PLANTED = (
    Planted(
        program_times_stride,
        _program_times_stride,
        "integer wrap",
        "buf",
        (1,),
        "4 * 1073741824 was computed in",
    ),
    Planted(
        page_times_stride,
        _page_times_stride,
        "integer wrap",
        "buf",
        (0,),
        "4 * 1073741824 was computed in int32",
    ),
    Planted(
        sum_of_lengths,
        _sum_of_lengths,
        "integer wrap",
        "out",
        (0,),
        "a sum of 4294967296 was computed in int32",
    ),
    Planted(scan_of_lengths, _scan_of_lengths, "integer wrap", "out", (0,), "was computed in int32"),
    Planted(narrowed_page, _narrowed_page, "integer wrap", "buf", (1,), "4294967298 was cast to int32"),
    Planted(shifted_page, _shifted_page, "integer wrap", "buf", (1,), "4 << 30 was computed in int32"),
    Planted(sum_past_32_bits, _sum_past_32_bits, "integer wrap", "buf", (1,), "was computed in uint32"),
)
