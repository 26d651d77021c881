"""A fault for each tool, planted at the end of each run: a tool that does not report its own has seen nothing.

The kernels' names begin with `tools.CANARY`.
"""

import torch
import triton
import triton.language as tl


@triton.jit
def canary_memcheck_kernel(source_ptr, target_ptr, size):
    """Copy the byte past the end."""
    tl.store(target_ptr, tl.load(source_ptr + size))


@triton.jit
def canary_initcheck_kernel(source_ptr, target_ptr, size):
    """Copy a byte that nobody wrote."""
    tl.store(target_ptr, tl.load(source_ptr + size - 1))


@triton.jit
def canary_racecheck_kernel(source_ptr, target_ptr, size):
    """Have all threads write different values to one word of shared memory."""
    lanes = tl.arange(0, 128)
    values = tl.inline_asm_elementwise(
        "{ .shared .align 4 .b32 cell; st.shared.b32 [cell], $1; ld.shared.b32 $0, [cell]; }",
        "=r,r",
        [lanes],
        dtype=tl.int32,
        is_pure=False,
        pack=1,
    )
    tl.store(target_ptr, (tl.sum(values, 0) + size).to(tl.uint8))


_KERNELS = {
    "memcheck": canary_memcheck_kernel,
    "initcheck": canary_initcheck_kernel,
    "racecheck": canary_racecheck_kernel,
}


SOURCE_BYTES = 500
"""No multiple of CUDA's granularity, so that the byte past the end belongs to no other allocation."""


def plant(tool: str, device: torch.device) -> None:
    """Commit the fault that a tool has to report. The GPU's context may be lost afterwards."""
    source = torch.empty(SOURCE_BYTES, dtype=torch.uint8, device=device)
    target = torch.zeros(1, dtype=torch.uint8, device=device)
    _KERNELS[tool][(1,)](source, target, source.numel())
    torch.cuda.synchronize(device)
