"""Which device a test process works on, and how workers share the GPUs that the caller lets them have."""

import importlib.util
import os
import runpy
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from tests import ROOT
from tests.calls.errors import Foreseen, exception_line

CASE_BYTES = 18 * 2**30
"""GPU memory that the largest case takes: a pool and two results of 4.6 GB each, and what they are compared with."""
MOST_WORKERS_A_GPU = 4
_asking = threading.Lock()


class DeviceUnavailable(Foreseen):
    """The device that the user asked for is not there."""


def visible_gpus(environment: Mapping[str, str], count: int) -> list[str]:
    """Return the GPUs that this process may use, as entries of `CUDA_VISIBLE_DEVICES`.

    Args:
        environment: the process's environment variables.
        count: GPUs that CUDA reports under this environment.
    """
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return [str(index) for index in range(count)]
    return [entry.strip() for entry in named.split(",") if entry.strip()][:count]


class GpuPool:
    """Gives each worker the GPU that the fewest living workers have."""

    def __init__(self, gpus: list[str]) -> None:
        self._gpus = gpus
        self._taken: dict[str, str] = {}

    def take(self, worker: str) -> str | None:
        """Return the GPU for a worker, or None where there are none."""
        if not self._gpus:
            return None
        load = Counter(self._taken.values())
        gpu = min(self._gpus, key=lambda candidate: load[candidate])
        self._taken[worker] = gpu
        return gpu

    def give_back(self, worker: str) -> None:
        """Note that a worker is gone."""
        self._taken.pop(worker, None)


def gpu_count() -> int:
    """Return the number of GPUs that this process may use. Where torch is not imported yet, it is not: it takes long.

    Raises:
        DeviceUnavailable: the driver works, and does not tell.
    """
    if "torch" in sys.modules:
        import torch

        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    return len(free_memories()) if _torch_is_made_for_cuda() else 0


def _torch_is_made_for_cuda() -> bool:
    torch = importlib.util.find_spec("torch")
    if torch is None or torch.origin is None:
        return False
    return runpy.run_path(str(Path(torch.origin).with_name("version.py")))["cuda"] is not None


def workers_for(memories: Iterable[int]) -> int:
    """Return how many workers share GPUs with some free bytes each: as many as can examine the largest cases."""
    return sum(min(MOST_WORKERS_A_GPU, max(1, memory // CASE_BYTES)) for memory in memories)


def free_memories() -> tuple[int, ...]:
    """Return the free bytes of memory of each GPU that this process may use, none where there is no GPU.

    The driver is asked once; who asks while another thread does waits for its answer.

    Raises:
        DeviceUnavailable: the driver works, and does not tell.
    """
    with _asking:
        return _free_memories()


@cache
def _free_memories() -> tuple[int, ...]:
    told = subprocess.run(
        [sys.executable, "-P", "-m", "tests.plugin.free_memory"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        raise DeviceUnavailable(f"the GPU's memory cannot be had: {exception_line(told.stderr)}")
    return tuple(map(int, told.stdout.split()))


def choose_device(wanted: str) -> str:
    """Return `cuda` or `cpu`, and have Triton interpret kernels on the latter.

    Args:
        wanted: `auto`, `cuda` or `cpu`.

    Raises:
        DeviceUnavailable: there is no GPU, or Triton was imported before it could be told to interpret.
    """
    gpus = gpu_count() if wanted != "cpu" else 0
    if wanted == "cuda" and not gpus:
        raise DeviceUnavailable("--device cuda: no GPU is visible to this process")
    device = "cuda" if gpus else "cpu"
    interpreting = os.environ.get("TRITON_INTERPRET") == "1"
    if device == "cpu" and not interpreting:
        # Triton decides when it is imported, for its own library too.
        if "triton" in sys.modules:
            raise DeviceUnavailable("Triton was imported before the interpreter was chosen: set TRITON_INTERPRET=1")
        os.environ["TRITON_INTERPRET"] = "1"
    elif device == "cuda" and interpreting:
        device = "cpu"
    return device
