"""What `nvidia-smi` says, as data. It comes with the driver, and knows clocks, temperature and processes. Pure."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

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


def query(option: str, fields: Sequence[str]) -> list[str]:
    """Return the command that asks for fields, such as `--query-gpu` for `GPU_FIELDS`."""
    return ["nvidia-smi", f"{option}={','.join(fields)}", "--format=csv,noheader,nounits"]


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
