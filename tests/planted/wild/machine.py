"""Kernels that break what the hardware or the compiler relies on: alignment, descriptors, grids, hints."""

import torch
import triton
import triton.language as tl

from .planted import Planted, Prepared


@triton.jit
def misaligned_words(buf_ptr, out_ptr, start, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    words = (buf_ptr + tl.program_id(0) * start).to(tl.pointer_type(tl.int32))
    tl.store(out_ptr + tl.program_id(0) * BLOCK + lanes, tl.load(words + lanes))  # BUG


def _misaligned_words() -> Prepared:
    buf = torch.zeros(64, dtype=torch.uint8)
    out = torch.empty(2, 8, dtype=torch.int32)
    return {"buf": buf}, lambda: misaligned_words[(2,)](buf, out, 6, BLOCK=8)


@triton.jit
def misaligned_descriptor(buf_ptr, out_ptr, stride, COLUMNS: tl.constexpr):
    buf = tl.make_tensor_descriptor(  # BUG
        buf_ptr, shape=[2, COLUMNS], strides=[stride, 1], block_shape=[1, COLUMNS]
    )
    row = buf.load([tl.program_id(0), 0])
    tl.store(out_ptr + tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS), row.reshape([COLUMNS]))


def _misaligned_descriptor() -> Prepared:
    buf = torch.zeros(2, 17, dtype=torch.int32)
    out = torch.empty(2, 16, dtype=torch.int32)
    return {"buf": buf}, lambda: misaligned_descriptor[(2,)](buf, out, 17, COLUMNS=16)


def _misaligned_descriptor_base() -> Prepared:
    buf = torch.zeros(40, dtype=torch.int32)[1:]
    out = torch.empty(2, 16, dtype=torch.int32)
    return {"buf": buf}, lambda: misaligned_descriptor[(2,)](buf, out, 16, COLUMNS=16)


@triton.jit
def false_multiple(starts_ptr, buf_ptr, out_ptr):
    start = tl.load(starts_ptr + tl.program_id(0))
    start = tl.multiple_of(start, 4)  # BUG
    tl.store(out_ptr + tl.program_id(0), tl.load(buf_ptr + start))


def _false_multiple() -> Prepared:
    starts = torch.tensor([4, 6], dtype=torch.int32)
    buf = torch.zeros(8, dtype=torch.uint8)
    out = torch.empty(2, dtype=torch.uint8)
    return {"starts": starts, "buf": buf}, lambda: false_multiple[(2,)](starts, buf, out)


@triton.jit
def false_contiguity(slots_ptr, buf_ptr, out_ptr, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    slots = tl.load(slots_ptr + lanes)
    slots = tl.max_contiguous(slots, 4)  # BUG
    tl.store(out_ptr + lanes, tl.load(buf_ptr + slots))


def _false_contiguity() -> Prepared:
    slots = torch.tensor([4, 5, 6, 7, 0, 1, 3, 2], dtype=torch.int32)
    buf = torch.zeros(8, dtype=torch.uint8)
    out = torch.empty(8, dtype=torch.uint8)
    return {"slots": slots, "buf": buf}, lambda: false_contiguity[(1,)](slots, buf, out, BLOCK=8)


@triton.jit
def true_hints(buf_ptr, out_ptr, n, BLOCK: tl.constexpr):
    lanes = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    within = tl.where(lanes < n, lanes, 0)
    within = tl.max_contiguous(tl.multiple_of(within, BLOCK), BLOCK)
    group = tl.max_constancy(lanes // 4, 4)
    pointers = tl.max_contiguous(tl.multiple_of(buf_ptr + within, 16), BLOCK)
    x = tl.load(pointers, mask=lanes < n, other=0) + tl.load(buf_ptr + group, mask=lanes < n, other=0)
    tl.store(out_ptr + lanes, x, mask=lanes < n)


def true_hints_case() -> tuple[Prepared, torch.Tensor, torch.Tensor]:
    """Hints as kernels commonly give them, false in masked lanes alone; the result, and what it must hold."""
    buf = torch.arange(13, dtype=torch.int32)
    out = torch.empty(13, dtype=torch.int32)
    launch = {"buf": buf}, lambda: true_hints[(2,)](buf, out, 13, BLOCK=8)
    return launch, out, buf + buf // 4


@triton.jit
def token_on_y(out_ptr):
    token = tl.program_id(1)
    tl.store(out_ptr + token, token)


PLANTED = (
    Planted(misaligned_words, _misaligned_words, "alignment", "buf", (1,), "byte 6 of buf"),
    Planted(
        misaligned_descriptor,
        _misaligned_descriptor,
        "tensor descriptor",
        "buf",
        (0,),
        "stride of 68 bytes on axis 0",
    ),
    Planted(
        misaligned_descriptor,
        _misaligned_descriptor_base,
        "tensor descriptor",
        "buf",
        (0,),
        "base is 4 bytes past",
    ),
    Planted(false_multiple, _false_multiple, "false hint", "buf", (1,), "tl.multiple_of of [4] is not true"),
    Planted(false_contiguity, _false_contiguity, "false hint", "buf", (0,), "tl.max_contiguous of [4] is not true"),
)
