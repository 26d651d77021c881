"""What the driver tells of a GPU: clocks, temperature, processes. Through `nvidia-ml-py`, where that is installed."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


class NotTold(Exception):
    """Nothing is known of the GPU; the text says why."""


@dataclass(frozen=True)
class GpuState:
    """One GPU as its driver sees it; None is what the driver does not tell."""

    index: int
    uuid: str
    name: str
    driver: str
    utilisation: int | None
    """Percent of the last moments in which a kernel ran."""
    temperature: int | None
    """Degrees Celsius."""
    sm_clock: int | None
    """MHz."""
    memory_clock: int | None
    """MHz."""
    most_sm_clock: int | None
    """MHz that the SMs' clock can reach."""
    power: float | None
    """Watts."""


@dataclass(frozen=True)
class GpuProcess:
    """A process that computes on a GPU."""

    pid: int
    name: str


def state_of(uuid: str | None) -> GpuState:
    """Return the state of a GPU.

    Args:
        uuid: of the GPU, `GPU-...`; without one it is the only GPU.

    Raises:
        NotTold: it cannot be had, or there are several GPUs and no UUID.
    """
    with _gpu(uuid) as (nvml, gpu):

        def told(ask: Callable[[], Any]) -> Any:
            try:
                return ask()
            except nvml.NVMLError:  # of this one figure: not supported, no permission
                return None

        power = told(lambda: nvml.nvmlDeviceGetPowerUsage(gpu))
        return GpuState(
            index=nvml.nvmlDeviceGetIndex(gpu),
            uuid=nvml.nvmlDeviceGetUUID(gpu),
            name=nvml.nvmlDeviceGetName(gpu),
            driver=nvml.nvmlSystemGetDriverVersion(),
            utilisation=told(lambda: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu),
            temperature=told(lambda: nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU)),
            sm_clock=told(lambda: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_SM)),
            memory_clock=told(lambda: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_MEM)),
            most_sm_clock=told(lambda: nvml.nvmlDeviceGetMaxClockInfo(gpu, nvml.NVML_CLOCK_SM)),
            power=None if power is None else power / 1e3,
        )


def processes_on(uuid: str | None) -> list[GpuProcess]:
    """Return the processes that compute on a GPU.

    Args:
        uuid: as for `state_of`.

    Raises:
        NotTold: they cannot be had.
    """
    with _gpu(uuid) as (nvml, gpu):
        pids = [process.pid for process in nvml.nvmlDeviceGetComputeRunningProcesses(gpu)]
        return [GpuProcess(pid, _name_of(nvml, pid)) for pid in pids]


def _name_of(nvml: Any, pid: int) -> str:
    try:
        return nvml.nvmlSystemGetProcessName(pid)
    except nvml.NVMLError:  # of another container
        return "a process"


@contextmanager
def _gpu(uuid: str | None) -> Iterator[tuple[Any, Any]]:
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError as error:
        raise NotTold("nvidia-ml-py is not installed") from error
    try:
        nvml.nvmlInit()
        try:
            yield nvml, _handle(nvml, uuid)
        finally:
            nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        raise NotTold(f"the driver does not tell ({error})") from error


def _handle(nvml: Any, uuid: str | None) -> Any:
    if uuid is not None:
        return nvml.nvmlDeviceGetHandleByUUID(uuid)
    if nvml.nvmlDeviceGetCount() != 1:
        raise NotTold("which of several GPUs it is is not known")
    return nvml.nvmlDeviceGetHandleByIndex(0)
