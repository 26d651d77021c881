"""What machine this is, and whether its GPU is fit to measure on: there, and nobody else's at the moment.

The driver is asked through `nvidia-ml-py`, where that is installed.
"""

import importlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.calls.errors import Foreseen

BUSY_PERCENT = 5
"""Utilisation from which on a GPU that should be idle is in use: a context that only exists shows 0."""
LOOKS = 4
"""How often a GPU that is in use is looked at again: what ran just before is still in its utilisation."""
SECONDS_BETWEEN_LOOKS = 0.5
UNKNOWN = "unknown"


class GpuAbsent(Foreseen):
    """There is no GPU that can be measured on."""


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


@dataclass(frozen=True)
class Machine:
    """What decides which stored measurements this machine's may be compared with."""

    gpu: str
    driver: str
    torch: str
    triton: str
    cuda: str
    """The CUDA version that torch was built for."""
    python: str

    def as_json(self) -> dict[str, str]:
        """Return the machine as a JSON object."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.gpu}, driver {self.driver}, torch {self.torch}, Triton {self.triton}"


def this_machine() -> Machine:
    """Return what machine this process runs on.

    Raises:
        GpuAbsent: torch sees no GPU.
    """
    import torch
    import triton

    name, uuid = _current_gpu()
    try:
        driver: str | None = state_of(uuid).driver
    except NotTold:
        driver = kernel_module_version(_read("/proc/driver/nvidia/version"))
    python = ".".join(str(part) for part in sys.version_info[:2])
    return Machine(
        name, driver or UNKNOWN, torch.__version__, triton.__version__, torch.version.cuda or UNKNOWN, python
    )


def require_idle(wait: Callable[[float], None] = time.sleep) -> list[str]:
    """See that nothing else computes on the GPU that this process measures on.

    Call it before this process computes itself, else its own kernels show as utilisation.

    Args:
        wait: sleeps for so many seconds.

    Returns:
        What could not be checked, in words.

    Raises:
        GpuAbsent: torch sees no GPU.
        Foreseen: another process computes on the GPU, or something uses it without being listed.
    """
    import torch

    _, uuid = _current_gpu()
    try:
        state = _settled(uuid, wait)
    except NotTold as error:
        return [f"whether the GPU is busy: {error}"]
    unchecked: list[str] = []
    there: list[GpuProcess] = []
    try:
        there = processes_on(uuid)
    except NotTold as error:
        unchecked.append(f"which processes are on the GPU: {error}")
    others, doubtful = not_ours(there, _family(), _is_visible, has_context=torch.cuda.is_initialized())
    if reason := why_busy(state, others):
        raise Foreseen(reason)
    unchecked += [f"whether process {process.pid} on the GPU is this one" for process in doubtful]
    if state.utilisation is None:
        unchecked.append("whether the GPU is busy: the driver does not tell its utilisation")
    return unchecked


def _settled(uuid: str, wait: Callable[[float], None]) -> GpuState:
    """Return a GPU's state, looked at again while it is in use."""
    state = state_of(uuid)
    for _ in range(LOOKS - 1):
        if (state.utilisation or 0) < BUSY_PERCENT:
            break
        wait(SECONDS_BETWEEN_LOOKS)
        state = state_of(uuid)
    return state


def not_ours(
    processes: Sequence[GpuProcess], own: frozenset[int], is_visible: Callable[[int], bool], *, has_context: bool
) -> tuple[list[GpuProcess], list[GpuProcess]]:
    """Part the processes of others from those that could be this one.

    In a container, the driver may give ids that mean nothing there, this process's among them.

    Args:
        processes: that compute on the GPU.
        own: ids of this process, and of others that do not count.
        is_visible: whether an id is a process's here.
        has_context: whether this process uses the GPU already.

    Returns:
        Those of others, and at most one that could be this one.
    """
    rest = [process for process in processes if process.pid not in own]
    hidden = [process for process in rest if not is_visible(process.pid)]
    seen_ourselves = len(rest) < len(processes)
    doubtful = hidden[:1] if has_context and not seen_ourselves else []
    return [process for process in rest if process not in doubtful], doubtful


def why_busy(state: GpuState, others: Sequence[GpuProcess]) -> str | None:
    """Return why a GPU is no place to measure on, or None if it is.

    Args:
        state: of the GPU.
        others: processes of others that compute on it.
    """
    which = f"GPU {state.index} ({state.name})"
    if others:
        told = ", ".join(f"{process.name} (process {process.pid})" for process in others[:3])
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        return f"{which} is busy: {told}{more} on it; measure when nothing else is"
    if state.utilisation is not None and state.utilisation >= BUSY_PERCENT:
        return f"{which} is busy: used {state.utilisation} % of the time, by whom is not told; measure when it is idle"
    return None


def kernel_module_version(text: str | None) -> str | None:
    """Return the driver's version out of `/proc/driver/nvidia/version`."""
    found = re.search(r"^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s", text or "", re.MULTILINE)
    return found[1] if found else None


def _current_gpu() -> tuple[str, str]:
    """Return the name and the UUID of the GPU that this process measures on."""
    import torch

    if torch.version.cuda is None or not torch.cuda.is_available():
        raise GpuAbsent("no NVIDIA GPU is visible to this process: latency is measured on one")
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    return properties.name, f"GPU-{properties.uuid}"


def current_uuid() -> str:
    """Return the UUID of the GPU that this process measures on, `GPU-...`.

    Raises:
        GpuAbsent: torch sees no GPU.
    """
    return _current_gpu()[1]


def _is_visible(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _family() -> frozenset[int]:
    """Return the ids of this process and its ancestors: whoever started it may hold the GPU for it."""
    ids, pid = set(), os.getpid()
    while pid > 1 and pid not in ids:
        ids.add(pid)
        parent = re.search(r"^PPid:\s*(\d+)", _read(f"/proc/{pid}/status") or "", re.MULTILINE)
        pid = int(parent[1]) if parent else 0
    return frozenset(ids)


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def state_of(uuid: str) -> GpuState:
    """Return the state of a GPU.

    Args:
        uuid: of the GPU, `GPU-...`.

    Raises:
        NotTold: it cannot be had.
    """
    with gpu_of_driver(uuid) as (nvml, gpu):
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
    with gpu_of_driver(uuid) as (nvml, gpu):
        found = []
        for process in nvml.nvmlDeviceGetComputeRunningProcesses(gpu):
            try:
                name = nvml.nvmlSystemGetProcessName(process.pid)
            except nvml.NVMLError:  # of another container
                name = "a process"
            found.append(GpuProcess(process.pid, name))
        return found


@contextmanager
def gpu_of_driver(uuid: str) -> Iterator[tuple[Any, Any]]:
    """Yield `pynvml` and its handle of a GPU.

    Raises:
        NotTold: it cannot be had, or refused to tell what it was asked.
    """
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
