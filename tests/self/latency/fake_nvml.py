"""A driver that tells what a test wants, behind the functions of `pynvml`."""

# ruff: noqa: N802, N815 they are named as there

from dataclasses import dataclass, field
from types import SimpleNamespace


class NVMLError(Exception):
    """As `pynvml` raises it."""


@dataclass
class Gpu:
    """A GPU as the driver sees it; None is what it refuses to tell."""

    uuid: str
    name: str
    utilisation: int | None = 0
    processes: list[int] | None = field(default_factory=list)
    errors: int | None = 0
    """Of memory, not corrected."""
    reasons: int | None = 0
    """Why clocks are held down, as bits."""


class FakeNvml:
    """Stands for the module `pynvml`."""

    NVMLError = NVMLError
    NVML_MEMORY_ERROR_TYPE_UNCORRECTED, NVML_VOLATILE_ECC = 1, 0
    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0
    nvmlClocksThrottleReasonHwSlowdown = 8

    def __init__(self, *gpus: Gpu, names: dict[int, str] | None = None, is_there: bool = True) -> None:
        self.gpus, self.names, self.is_there = list(gpus), names or {}, is_there
        self.open = 0
        self.looks: list[int] = []
        """Utilisation at each further look."""

    def nvmlInit(self):
        if not self.is_there:
            raise NVMLError("Driver Not Loaded")
        self.open += 1

    def nvmlShutdown(self):
        self.open -= 1

    def nvmlDeviceGetHandleByUUID(self, uuid):
        for gpu in self.gpus:
            if gpu.uuid == uuid:
                return gpu
        raise NVMLError("Not Found")

    def nvmlDeviceGetIndex(self, gpu):
        return self.gpus.index(gpu)

    def nvmlDeviceGetName(self, gpu):
        return gpu.name

    def nvmlSystemGetDriverVersion(self):
        return "570.86.15"

    def nvmlDeviceGetUtilizationRates(self, gpu):
        if self.looks:
            gpu.utilisation = self.looks.pop(0)
        return SimpleNamespace(gpu=_told(gpu.utilisation))

    def nvmlDeviceGetComputeRunningProcesses(self, gpu):
        return [SimpleNamespace(pid=pid) for pid in _told(gpu.processes)]

    def nvmlDeviceGetTotalEccErrors(self, gpu, kind, since):
        return _told(gpu.errors)

    def nvmlDeviceGetCurrentClocksEventReasons(self, gpu):
        return _told(gpu.reasons)

    def nvmlDeviceGetRemappedRows(self, gpu):
        return _told(None)

    def nvmlDeviceGetClockInfo(self, gpu, clock):
        return 1980 if clock == self.NVML_CLOCK_SM else 2619

    def nvmlDeviceGetTemperature(self, gpu, sensor):
        return 41

    def nvmlDeviceGetPowerUsage(self, gpu):
        return _told(None)

    def nvmlSystemGetProcessName(self, pid):
        return _told(self.names.get(pid))


def _told(value):
    if value is None:
        raise NVMLError("Not Supported")
    return value
