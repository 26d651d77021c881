"""What the driver tells of a GPU: whether it is used, and by whom. Through `nvidia-ml-py`, where that is installed."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


class NotTold(Exception):
    """Nothing is known of the GPU; the text says why."""


@dataclass(frozen=True)
class GpuState:
    """One GPU as its driver sees it."""

    index: int
    name: str
    driver: str
    utilisation: int | None
    """Percent of the last moments in which a kernel ran, or None where the driver does not tell."""


@dataclass(frozen=True)
class GpuProcess:
    """A process that computes on a GPU."""

    pid: int
    name: str


def state_of(uuid: str) -> GpuState:
    """Return the state of a GPU.

    Args:
        uuid: of the GPU, `GPU-...`.

    Raises:
        NotTold: it cannot be had.
    """
    with _gpu(uuid) as (nvml, gpu):
        about = nvml.nvmlDeviceGetIndex(gpu), nvml.nvmlDeviceGetName(gpu), nvml.nvmlSystemGetDriverVersion()
        try:
            return GpuState(*about, nvml.nvmlDeviceGetUtilizationRates(gpu).gpu)
        except nvml.NVMLError:  # of this one figure: not supported, no permission
            return GpuState(*about, None)


def processes_on(uuid: str) -> list[GpuProcess]:
    """Return the processes that compute on a GPU.

    Args:
        uuid: as for `state_of`.

    Raises:
        NotTold: they cannot be had.
    """
    with _gpu(uuid) as (nvml, gpu):
        found = []
        for process in nvml.nvmlDeviceGetComputeRunningProcesses(gpu):
            try:
                name = nvml.nvmlSystemGetProcessName(process.pid)
            except nvml.NVMLError:  # of another container
                name = "a process"
            found.append(GpuProcess(process.pid, name))
        return found


@contextmanager
def _gpu(uuid: str) -> Iterator[tuple[Any, Any]]:
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError as error:
        raise NotTold("nvidia-ml-py is not installed") from error
    try:
        nvml.nvmlInit()
        try:
            yield nvml, nvml.nvmlDeviceGetHandleByUUID(uuid)
        finally:
            nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        raise NotTold(f"the driver does not tell ({error})") from error
