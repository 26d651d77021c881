"""Lines that a kernel asked the L2 to keep (`evict_last`): they outlive any flush, and would serve whatever is next.

On an H100, a copy of 160 K tokens' bytes took 12.8 us behind a gather that kept what both write to, and 14.0 us once
those lines were like any others.
"""

import ctypes

import torch

NOT_SUPPORTED = 801
"""`CUDA_ERROR_NOT_SUPPORTED`."""


def release_kept_lines(device: torch.device) -> bool:
    """Wait for a GPU, and let all that its L2 keeps be replaced as other lines are; return whether it can.

    Args:
        device: a CUDA device.

    Raises:
        RuntimeError: the driver refuses for another reason than that it cannot.
    """
    with torch.cuda.device(device):
        torch.cuda.synchronize()  # at once is when it takes effect: a kernel that still runs would keep more
        status = ctypes.CDLL("libcuda.so.1").cuCtxResetPersistingL2Cache()
    if status not in (0, NOT_SUPPORTED):
        raise RuntimeError(f"the driver does not release what the L2 keeps: error {status}")
    return status == 0


def unreleased() -> list[str]:
    """Return, in words, what the current GPU cannot do if it cannot release lines; else nothing."""
    if release_kept_lines(torch.device("cuda")):
        return []
    return ["what a kernel keeps in the L2 cannot be released here, and serves whatever is timed behind it"]
