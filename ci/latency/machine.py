"""What machine this is, and whether its GPU is fit to measure on: there, and nobody else's at the moment.

What only the driver knows is asked of `nvidia-smi`, which comes with it. Parsing is apart from asking.
"""

import csv
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

BUSY_PERCENT = 5
"""Utilisation from which on a GPU that should be idle is in use: a context that only exists shows 0."""
LOOKS = 4
"""How often a GPU that is in use is looked at again: what ran just before is still in its utilisation."""
SECONDS_BETWEEN_LOOKS = 0.5
UNKNOWN = "unknown"

GPU_FIELDS = (
    "index",
    "uuid",
    "name",
    "driver_version",
    "utilization.gpu",
    "temperature.gpu",
    "clocks.sm",
    "clocks.mem",
    "clocks.max.sm",
    "power.draw",
)
PROCESS_FIELDS = ("gpu_uuid", "pid", "process_name", "used_memory")

Ask = Callable[[Sequence[str]], str | None]
"""Runs a command and returns its output, or None where it is not there or fails."""


class GpuAbsent(Exception):
    """There is no GPU that can be measured on; the text is a sentence for the user."""


class GpuBusy(Exception):
    """Something else runs on the GPU; the text is a sentence for the user."""


@dataclass(frozen=True)
class GpuState:
    """One GPU as `nvidia-smi` sees it; None is what it does not tell."""

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

    def as_json(self) -> dict[str, Any]:
        """Return the state as a JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class GpuProcess:
    """A process that computes on a GPU."""

    gpu: str
    """The GPU's UUID."""
    pid: int
    name: str
    megabytes: int | None


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


def this_machine(ask: Ask | None = None) -> Machine:
    """Return what machine this process runs on.

    Raises:
        GpuAbsent: torch sees no GPU.
    """
    import torch
    import triton

    index = _current_gpu()
    name = torch.cuda.get_device_properties(index).name
    state = gpu_state(ask)
    driver = state.driver if state else kernel_module_version(_read("/proc/driver/nvidia/version"))
    python = ".".join(str(part) for part in sys.version_info[:2])
    return Machine(
        name, driver or UNKNOWN, torch.__version__, triton.__version__, torch.version.cuda or UNKNOWN, python
    )


def gpu_state(ask: Ask | None = None) -> GpuState | None:
    """Return the state of the GPU that this process measures on, or None where `nvidia-smi` does not tell.

    Raises:
        GpuAbsent: torch sees no GPU.
    """
    index = _current_gpu()
    output = (ask or ask_command)(
        ["nvidia-smi", f"--query-gpu={','.join(GPU_FIELDS)}", "--format=csv,noheader,nounits"]
    )
    return the_one(parse_gpus(output), _uuid(index)) if output is not None else None


def require_idle(
    ask: Ask | None = None, *, own: frozenset[int] | None = None, wait: Callable[[float], None] = time.sleep
) -> list[str]:
    """See that nothing else computes on the GPU that this process measures on.

    Call it before this process computes itself, else its own kernels show as utilisation.

    Args:
        ask: runs `nvidia-smi`.
        own: ids of processes that may be there; this one and its ancestors unless given.
        wait: sleeps for so many seconds.

    Returns:
        What could not be checked, in words.

    Raises:
        GpuAbsent: torch sees no GPU.
        GpuBusy: another process computes on the GPU, or something uses it without being listed.
    """
    state = gpu_state(ask)
    for _ in range(LOOKS - 1):
        if state is None or (state.utilisation or 0) < BUSY_PERCENT:
            break
        wait(SECONDS_BETWEEN_LOOKS)
        state = gpu_state(ask)
    if state is None:
        return ["whether the GPU is busy: nvidia-smi does not tell"]
    command = ["nvidia-smi", f"--query-compute-apps={','.join(PROCESS_FIELDS)}", "--format=csv,noheader,nounits"]
    output = (ask or ask_command)(command)
    unchecked = [] if output is not None else ["which processes are on the GPU: nvidia-smi does not tell"]
    there = [process for process in parse_processes(output or "") if process.gpu == state.uuid]
    others, doubtful = not_ours(there, _family() if own is None else own, _is_visible, has_context=_has_context())
    reason = why_busy(state, others)
    if reason:
        raise GpuBusy(reason)
    unchecked += [f"whether process {process.pid} on the GPU is this one" for process in doubtful]
    if state.utilisation is None:
        unchecked.append("whether the GPU is busy: nvidia-smi does not tell its utilisation")
    return unchecked


def not_ours(
    processes: Sequence[GpuProcess], own: frozenset[int], is_visible: Callable[[int], bool], *, has_context: bool
) -> tuple[list[GpuProcess], list[GpuProcess]]:
    """Part the processes of others from those that could be this one.

    In a container, `nvidia-smi` may give ids that mean nothing there, this process's among them.

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


def parse_gpus(output: str) -> list[GpuState]:
    """Return what `nvidia-smi --query-gpu` says, given `GPU_FIELDS` and the format `csv,noheader,nounits`.

    Raises:
        ValueError: a line has other fields than those asked for.
    """
    states = []
    for row in _rows(output, len(GPU_FIELDS), "--query-gpu"):
        index, uuid, name, driver, utilisation, temperature, clock, memory_clock, most_clock, power = row
        states.append(
            GpuState(
                int(index),
                uuid,
                name,
                driver,
                utilisation=_whole(utilisation),
                temperature=_whole(temperature),
                sm_clock=_whole(clock),
                memory_clock=_whole(memory_clock),
                most_sm_clock=_whole(most_clock),
                power=_number(power),
            )
        )
    return states


def parse_processes(output: str) -> list[GpuProcess]:
    """Return what `nvidia-smi --query-compute-apps` says, given `PROCESS_FIELDS`.

    Raises:
        ValueError: a line has other fields than those asked for.
    """
    rows = _rows(output, len(PROCESS_FIELDS), "--query-compute-apps")
    return [GpuProcess(gpu, int(pid), name, _whole(megabytes)) for gpu, pid, name, megabytes in rows]


def the_one(states: Sequence[GpuState], uuid: str | None) -> GpuState | None:
    """Return the GPU with a UUID; without one the only GPU, or None if there are several."""
    if uuid is None:
        return states[0] if len(states) == 1 else None
    return next((state for state in states if state.uuid == uuid), None)


def kernel_module_version(text: str | None) -> str | None:
    """Return the driver's version out of `/proc/driver/nvidia/version`."""
    found = re.search(r"^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s", text or "", re.MULTILINE)
    return found[1] if found else None


def ask_command(command: Sequence[str]) -> str | None:
    """Run a command, and return its output, or None where it is not there, fails or takes long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _rows(output: str, fields: int, option: str) -> list[list[str]]:
    rows = []
    for row in csv.reader(output.splitlines(), skipinitialspace=True):
        if not row or row[0].lower().startswith("no "):  # "No running processes found" of some versions
            continue
        # A process's name may hold commas.
        if option == "--query-compute-apps" and len(row) > fields:
            row = [*row[:2], ",".join(row[2:-1]), row[-1]]
        if len(row) != fields:
            raise ValueError(f"nvidia-smi {option}: expected {fields} fields, got {len(row)}: {', '.join(row)}")
        rows.append([value.strip() for value in row])
    return rows


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # [N/A], [Not Supported], [Unknown Error]
        return None


def _whole(text: str) -> int | None:
    number = _number(text)
    return None if number is None else round(number)


def _current_gpu() -> int:
    import torch

    if torch.version.cuda is None or not torch.cuda.is_available():
        raise GpuAbsent("no NVIDIA GPU is visible to this process: latency is measured on one")
    return torch.cuda.current_device()


def _uuid(index: int) -> str | None:
    import torch

    uuid = getattr(torch.cuda.get_device_properties(index), "uuid", None)
    return f"GPU-{uuid}" if uuid is not None else None


def _has_context() -> bool:
    import torch

    return torch.cuda.is_initialized()


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
