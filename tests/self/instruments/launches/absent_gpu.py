"""A Triton driver for an H100 that is not there: kernels are compiled and "loaded" for it, launches go nowhere."""

import itertools
from typing import Any

from triton.backends.compiler import GPUTarget

_handles = itertools.count(0x7F00_0000_0000, 0x100)


class Launcher:
    """Takes a launch as Triton's launchers do, and launches nothing."""

    def __init__(self, source: Any, metadata: Any) -> None:
        self._count = len(source.signature)

    def __call__(self, grid_x: int, grid_y: int, grid_z: int, stream: int, function: int, *args: Any) -> None:
        # Packed metadata, metadata for hooks and two hooks come before the kernel's arguments.
        assert len(args) == 4 + self._count, f"{self._count} arguments expected, {len(args) - 4} given"


class _Utils:
    def get_device_properties(self, device: int) -> dict[str, int]:
        return {"max_shared_mem": 232_448, "multiprocessor_count": 132, "warpSize": 32}

    def load_binary(self, name: str, cubin: bytes, shared: int, device: int) -> tuple[object, int, int, int, int]:
        return object(), next(_handles), 32, 0, 1024


class AbsentH100:
    """As much of a driver as compiling and launching a kernel asks for."""

    launcher_cls = Launcher
    utils = _Utils()

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0
