"""Kernels whose result depends on lanes that Triton leaves undefined, and some that only look so."""

import torch
import triton
import triton.language as tl

from .planted import Planted, Prepared


@triton.jit
def sum_of_undefined(lens_ptr, out_ptr, BLOCK: tl.constexpr):
    before = tl.arange(0, BLOCK)
    lens = tl.load(lens_ptr + before, mask=before < tl.program_id(0))  # BUG
    tl.store(out_ptr + tl.sum(lens), 1)


def _sum_of_undefined() -> Prepared:
    lens = torch.tensor([2, 1, 3, 1], dtype=torch.int32)
    out = torch.empty(7, dtype=torch.int32)
    return {"seq_lens": lens}, lambda: sum_of_undefined[(4,)](lens, out, BLOCK=4)


@triton.jit
def undefined_page(pages_ptr, buf_ptr, out_ptr, n, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    page = tl.load(pages_ptr + lanes, mask=lanes < n - 1)  # BUG
    x = tl.load(buf_ptr + page, mask=lanes < n, other=0)
    tl.store(out_ptr + lanes, x, mask=lanes < n)


def _undefined_page() -> Prepared:
    pages = torch.arange(8, dtype=torch.int64)
    buf = torch.arange(8, dtype=torch.int32)
    out = torch.empty(8, dtype=torch.int32)
    return {"page_indices": pages, "buf": buf}, lambda: undefined_page[(1,)](pages, buf, out, 8, BLOCK=8)


@triton.jit
def undefined_bytes_kept(buf_ptr, out_ptr, n, BLOCK: tl.constexpr):
    lanes = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(buf_ptr + lanes, mask=lanes < n)  # BUG
    tl.store(out_ptr + lanes, x)


def _undefined_bytes_kept() -> Prepared:
    buf = torch.ones(40, dtype=torch.uint8)
    out = torch.empty(64, dtype=torch.uint8)
    return {"buf": buf}, lambda: undefined_bytes_kept[(2,)](buf, out, 40, BLOCK=32)


@triton.jit
def undefined_mask(lens_ptr, out_ptr, batch, BLOCK: tl.constexpr):
    sequence = tl.program_id(0)
    seq_len = tl.load(lens_ptr + sequence, mask=sequence < batch)  # BUG
    lanes = tl.arange(0, BLOCK)
    tl.store(out_ptr + sequence * BLOCK + lanes, lanes, mask=lanes < seq_len)


def _undefined_mask() -> Prepared:
    lens = torch.full((2,), 4, dtype=torch.int32)
    out = torch.empty(3, 4, dtype=torch.int32)
    return {"seq_lens": lens}, lambda: undefined_mask[(3,)](lens, out, 2, BLOCK=4)


@triton.jit
def undefined_condition(lens_ptr, out_ptr, batch):
    sequence = tl.program_id(0)
    seq_len = tl.load(lens_ptr + sequence, mask=sequence < batch)  # BUG
    if seq_len > 3:
        tl.store(out_ptr + sequence, 1)


def _undefined_condition() -> Prepared:
    lens = torch.full((2,), 4, dtype=torch.int32)
    out = torch.empty(3, dtype=torch.int32)
    return {"seq_lens": lens}, lambda: undefined_condition[(3,)](lens, out, 2)


@triton.jit
def undefined_scan(lens_ptr, out_ptr, batch, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    lens = tl.load(lens_ptr + lanes, mask=lanes != 1)  # BUG
    ends = tl.cumsum(lens, 0)
    tl.store(out_ptr + lanes, ends, mask=lanes < batch)


def _undefined_scan() -> Prepared:
    lens = torch.full((4,), 4, dtype=torch.int32)
    out = torch.empty(3, dtype=torch.int32)
    return {"seq_lens": lens}, lambda: undefined_scan[(1,)](lens, out, 3, BLOCK=4)


@triton.jit
def defined_after_all(lens_ptr, out_ptr, n, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    valid = lanes < n
    x = tl.load(lens_ptr + lanes, mask=valid)
    chosen = tl.sum(tl.where(valid, x, 0))
    product = tl.sum(x * valid.to(tl.int32))
    positive = valid & (x > 0)
    either = (lanes >= n) | (x > 0)
    count = tl.sum(positive.to(tl.int32)) + tl.sum(either.to(tl.int32))
    scalar = tl.load(lens_ptr + n, mask=n < 0, other=0)
    unused = tl.load(lens_ptr + n, mask=n < 0)
    scalar += tl.load(lens_ptr, mask=n > 0, other=unused)
    tl.store(out_ptr + lanes, x + chosen + product + count + scalar, mask=valid)


def defined_after_all_case() -> tuple[Prepared, torch.Tensor, torch.Tensor]:
    """A correct use of masked loads: what to launch, the result, and what it must hold."""
    lens = torch.tensor([3, 1, 2, 5, 4], dtype=torch.int32)
    out = torch.zeros(5, dtype=torch.int32)
    launch = {"seq_lens": lens}, lambda: defined_after_all[(1,)](lens, out, 5, BLOCK=8)
    return launch, out, lens + 15 + 15 + 5 + 8 + 3


PLANTED = (
    Planted(
        sum_of_undefined,
        _sum_of_undefined,
        "undefined value",
        "out",
        (0,),
        "reached the address of a write of out",
    ),
    Planted(
        undefined_page,
        _undefined_page,
        "undefined value",
        "buf",
        (0,),
        "reached the address of a read of buf",
    ),
    Planted(
        undefined_bytes_kept,
        _undefined_bytes_kept,
        "undefined value",
        "out",
        (1,),
        "reached bytes stored to out",
    ),
    Planted(undefined_mask, _undefined_mask, "undefined value", "", (2,), "reached the mask of an access"),
    Planted(undefined_condition, _undefined_condition, "undefined value", "", (2,), "reached a condition"),
    Planted(undefined_scan, _undefined_scan, "undefined value", "out", (0,), "reached bytes stored to out"),
)
