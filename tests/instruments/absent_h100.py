"""An H100 that is not there: what Triton's driver and torch say of one. No kernel is launched."""

from types import SimpleNamespace

from triton.backends.compiler import GPUTarget

NAME = "NVIDIA H100 80GB HBM3"
CAPABILITY = (9, 0)
TARGET = GPUTarget("cuda", 90, 32)
PROPERTIES = SimpleNamespace(
    name=NAME,
    major=9,
    minor=0,
    multi_processor_count=132,
    warp_size=32,
    total_memory=85_028_765_696,
    L2_cache_size=52_428_800,
    max_threads_per_multi_processor=2_048,
    regs_per_multiprocessor=65_536,
    shared_memory_per_block=49_152,
    shared_memory_per_block_optin=232_448,
    shared_memory_per_multiprocessor=233_472,
    is_integrated=0,
    is_multi_gpu_board=0,
    gcnArchName="",
)
"""As `torch.cuda.get_device_properties` tells them."""


class Utils:
    """The part of a driver that tells a GPU's properties."""

    def get_device_properties(self, device: int) -> dict[str, int]:
        """Return what Triton asks for."""
        return {
            "max_shared_mem": PROPERTIES.shared_memory_per_block_optin,
            "max_num_regs": PROPERTIES.regs_per_multiprocessor,
            "multiprocessor_count": PROPERTIES.multi_processor_count,
            "warpSize": PROPERTIES.warp_size,
            "sm_clock_rate": 1_980_000,
            "mem_clock_rate": 2_619_000,
            "mem_bus_width": 5_120,
        }


class AbsentGpu:
    """As much of a Triton driver as a launch asks for before it compiles, and the properties of an H100.

    Args:
        target: what Triton compiles for.
    """

    utils = Utils()

    def __init__(self, target: GPUTarget = TARGET) -> None:
        self._target = target

    def get_current_target(self) -> GPUTarget:
        """Return what Triton compiles for."""
        return self._target

    def get_current_device(self) -> int:
        """Return the GPU's number."""
        return 0

    def get_current_stream(self, device: int) -> int:
        """Return the default stream."""
        return 0
