"""Versions of one kernel, as the source lines of files: some run alike, some do not."""

KERNEL = '''"""A kernel that is compiled for a GPU that is not there."""

import triton
import triton.language as tl


@triton.jit
def add_kernel(buf_ptr, k_ptr, count, BLOCK: tl.constexpr):
    index = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(buf_ptr + index, mask=index < count, other=0)
    tl.store(k_ptr + index, value + 7, mask=index < count)
'''

ALIKE = {
    "plain": KERNEL,
    "commented": KERNEL.replace("    value =", "    # What is read\n\n    # and kept.\n    value ="),
    "renamed": KERNEL.replace("add_kernel", "another_kernel_of_a_longer_name").replace("count", "number"),
}
"""All run as the plain one does."""

DIFFERENT = {
    "constant": KERNEL.replace("+ 7", "+ 9"),
    "more-code": KERNEL.replace("value + 7", "value + tl.cumsum(value * index, 0)"),
}
"""None runs as the plain one does."""
