"""Two kernels, of which Triton specialises one on values and addresses."""

import triton
import triton.language as tl


@triton.jit
def specialised(pointer, number, SIZE: tl.constexpr):
    tl.store(pointer + tl.program_id(0), number + SIZE)


@triton.jit(do_not_specialize=["number"], do_not_specialize_on_alignment=["pointer"])
def unspecialised(pointer, number: tl.int64, SIZE: tl.constexpr):
    tl.store(pointer + tl.program_id(0), number + SIZE)
