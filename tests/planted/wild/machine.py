"""Kernels that break what the hardware or the compiler relies on: alignment, descriptors, grids, hints."""

import torch
import triton
import triton.language as tl

from .planted import ints, launched, planted, planted_in, space


@planted("alignment", "buf", (1,), "byte 6 of buf")
@launched(2, reads={"buf": space(64, dtype=torch.uint8)}, rest=(space(2, 8), 6, 8))
@triton.jit
def misaligned_words(buf_ptr, out_ptr, start, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    words = (buf_ptr + tl.program_id(0) * start).to(tl.pointer_type(tl.int32))
    tl.store(out_ptr + tl.program_id(0) * BLOCK + lanes, tl.load(words + lanes))  # BUG


@planted("tensor descriptor", "buf", (0,), "stride of 68 bytes on axis 0")
@launched(2, reads={"buf": space(2, 17)}, rest=(space(2, 16), 17, 16))
@triton.jit
def misaligned_descriptor(buf_ptr, out_ptr, stride, COLUMNS: tl.constexpr):
    buf = tl.make_tensor_descriptor(  # BUG
        buf_ptr, shape=[2, COLUMNS], strides=[stride, 1], block_shape=[1, COLUMNS]
    )
    row = buf.load([tl.program_id(0), 0])
    tl.store(out_ptr + tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS), row.reshape([COLUMNS]))


misaligned_base = planted("tensor descriptor", "buf", (0,), "base is 4 bytes past")(
    launched(2, reads={"buf": space(40)[1:]}, rest=(space(2, 16), 16, 16))(misaligned_descriptor.kernel)
)


@planted("false hint", "buf", (1,), "tl.multiple_of of [4] is not true")
@launched(2, reads={"starts": ints(4, 6), "buf": space(8, dtype=torch.uint8)}, rest=(space(2, dtype=torch.uint8),))
@triton.jit
def false_multiple(starts_ptr, buf_ptr, out_ptr):
    start = tl.load(starts_ptr + tl.program_id(0))
    start = tl.multiple_of(start, 4)  # BUG
    tl.store(out_ptr + tl.program_id(0), tl.load(buf_ptr + start))


@planted("false hint", "buf", (0,), "tl.max_contiguous of [4] is not true")
@launched(1, reads={"slots": ints(4, 5, 6, 7, 0, 1, 3, 2), "buf": space(8)}, rest=(space(8), 8))
@triton.jit
def false_contiguity(slots_ptr, buf_ptr, out_ptr, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    slots = tl.load(slots_ptr + lanes)
    slots = tl.max_contiguous(slots, 4)  # BUG
    tl.store(out_ptr + lanes, tl.load(buf_ptr + slots))


@launched(2, reads={"buf": torch.arange(13, dtype=torch.int32)}, rest=(space(13), 13, 8))
@triton.jit
def true_hints(buf_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """Hints as kernels commonly give them, false in masked lanes alone; the result is buf + buf // 4."""
    lanes = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    within = tl.where(lanes < n, lanes, 0)
    within = tl.max_contiguous(tl.multiple_of(within, BLOCK), BLOCK)
    group = tl.max_constancy(lanes // 4, 4)
    pointers = tl.max_contiguous(tl.multiple_of(buf_ptr + within, 16), BLOCK)
    x = tl.load(pointers, mask=lanes < n, other=0) + tl.load(buf_ptr + group, mask=lanes < n, other=0)
    tl.store(out_ptr + lanes, x, mask=lanes < n)


@triton.jit
def token_on_y(out_ptr):
    token = tl.program_id(1)
    tl.store(out_ptr + token, token)


PLANTED = planted_in(vars())
