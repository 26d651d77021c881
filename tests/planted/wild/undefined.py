"""Kernels whose result depends on lanes that Triton leaves undefined, and some that only look so."""

import torch
import triton
import triton.language as tl

from .planted import ints, launched, planted, planted_in, space


@planted("undefined value", "out", (0,), "reached the address of a write of out")
@launched(4, reads={"seq_lens": ints(2, 1, 3, 1)}, rest=(space(7), 4))
@triton.jit
def sum_of_undefined(lens_ptr, out_ptr, BLOCK: tl.constexpr):
    before = tl.arange(0, BLOCK)
    lens = tl.load(lens_ptr + before, mask=before < tl.program_id(0))  # BUG
    tl.store(out_ptr + tl.sum(lens), 1)


@planted("undefined value", "buf", (0,), "reached the address of a read of buf")
@launched(1, reads={"page_indices": torch.arange(8), "buf": space(8)}, rest=(space(8), 8, 8))
@triton.jit
def undefined_page(pages_ptr, buf_ptr, out_ptr, n, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    page = tl.load(pages_ptr + lanes, mask=lanes < n - 1)  # BUG
    x = tl.load(buf_ptr + page, mask=lanes < n, other=0)
    tl.store(out_ptr + lanes, x, mask=lanes < n)


@planted("undefined value", "out", (1,), "reached bytes stored to out")
@launched(2, reads={"buf": space(40, dtype=torch.uint8)}, rest=(space(64, dtype=torch.uint8), 40, 32))
@triton.jit
def undefined_bytes_kept(buf_ptr, out_ptr, n, BLOCK: tl.constexpr):
    lanes = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(buf_ptr + lanes, mask=lanes < n)  # BUG
    tl.store(out_ptr + lanes, x)


@planted("undefined value", "", (2,), "reached the mask of an access")
@launched(3, reads={"seq_lens": ints(4, 4)}, rest=(space(3, 4), 2, 4))
@triton.jit
def undefined_mask(lens_ptr, out_ptr, batch, BLOCK: tl.constexpr):
    sequence = tl.program_id(0)
    seq_len = tl.load(lens_ptr + sequence, mask=sequence < batch)  # BUG
    lanes = tl.arange(0, BLOCK)
    tl.store(out_ptr + sequence * BLOCK + lanes, lanes, mask=lanes < seq_len)


@planted("undefined value", "", (2,), "reached a condition")
@launched(3, reads={"seq_lens": ints(4, 4)}, rest=(space(3), 2))
@triton.jit
def undefined_condition(lens_ptr, out_ptr, batch):
    sequence = tl.program_id(0)
    seq_len = tl.load(lens_ptr + sequence, mask=sequence < batch)  # BUG
    if seq_len > 3:
        tl.store(out_ptr + sequence, 1)


@planted("undefined value", "out", (0,), "reached bytes stored to out")
@launched(1, reads={"seq_lens": ints(4, 4, 4, 4)}, rest=(space(3), 3, 4))
@triton.jit
def undefined_scan(lens_ptr, out_ptr, batch, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    lens = tl.load(lens_ptr + lanes, mask=lanes != 1)  # BUG
    ends = tl.cumsum(lens, 0)
    tl.store(out_ptr + lanes, ends, mask=lanes < batch)


@launched(1, reads={"seq_lens": ints(3, 1, 2, 5, 4)}, rest=(space(5), 5, 8))
@triton.jit
def defined_after_all(lens_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """A correct use of masked loads; the result is the lengths + 15 + 15 + 5 + 8 + 3."""
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


PLANTED = planted_in(vars())
