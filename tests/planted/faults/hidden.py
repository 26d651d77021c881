"""Right gathers whose kernels break a rule that no result shows, on a GPU: what compute-sanitizer is for."""

from typing import Any

import torch
import triton
import triton.language as tl

from tests.planted.faults import plain
from tests.planted.faults.kernels import read_misaligned


@triton.jit
def unwritten_kernel(scratch_ptr, sink_ptr, never):
    """Read memory that nobody wrote, to no effect."""
    value = tl.load(scratch_ptr + 7)
    tl.store(sink_ptr, value, mask=value == never)


@triton.jit
def racing_kernel(sink_ptr, never):
    """Have all threads write different values to one word of shared memory, to no effect."""
    values = tl.inline_asm_elementwise(
        "{ .shared .align 4 .b32 word; st.shared.b32 [word], $1; ld.shared.b32 $0, [word]; }",
        "=r,r",
        [tl.arange(0, 128)],
        dtype=tl.int32,
        is_pure=False,
        pack=1,
    )
    tl.store(sink_ptr, 1, mask=tl.sum(values, 0) == never)


def reads_unwritten(buf: torch.Tensor, *others: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather, having read memory that nobody wrote."""
    scratch = torch.empty(64, dtype=torch.int32, device=buf.device)
    sink = torch.zeros(1, dtype=torch.int32, device=buf.device)
    unwritten_kernel[(1,)](scratch, sink, 1 << 20, num_warps=1)
    return plain.get_k_and_s(buf, *others)


def races(buf: torch.Tensor, *others: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather, having raced in shared memory."""
    racing_kernel[(1,)](torch.zeros(1, dtype=torch.int32, device=buf.device), -1)
    return plain.get_k_and_s(buf, *others)


def misaligned(buf: torch.Tensor, *others: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather, having read a word off its boundary."""
    read_misaligned(buf.device)
    return plain.get_k_and_s(buf, *others)
