"""In what condition a GPU is: the clocks, temperature and power that are kept of a run, and whether it is sick.

The driver is asked through `nvidia-ml-py`; what it does not tell is left out.
"""

from collections.abc import Mapping
from typing import Any

from tests.latency.machine import NotTold, current_uuid, gpu_of_driver


def condition() -> dict[str, int]:
    """Return what the driver tells of this process's GPU: MHz, degrees Celsius and watts by name."""
    try:
        with gpu_of_driver(current_uuid()) as (nvml, gpu):
            asked = {
                "sm_mhz": lambda: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_SM),
                "memory_mhz": lambda: nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_MEM),
                "temperature_c": lambda: nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU),
                "power_w": lambda: nvml.nvmlDeviceGetPowerUsage(gpu) // 1000,
            }
            return _told(nvml, asked)
    except NotTold:
        return {}


def why_sick(uuid: str) -> str | None:
    """Return why a GPU should not be measured on, or None: memory errors that nobody corrected, or forced slowness.

    Raises:
        NotTold: the driver cannot be asked.
    """
    with gpu_of_driver(uuid) as (nvml, gpu):
        uncorrected = nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
        told = _told(
            nvml,
            {
                "errors": lambda: nvml.nvmlDeviceGetTotalEccErrors(gpu, *uncorrected),
                "reasons": lambda: nvml.nvmlDeviceGetCurrentClocksEventReasons(gpu),
                "remapping failed": lambda: nvml.nvmlDeviceGetRemappedRows(gpu)[3],
            },
        )
        slowed = told.get("reasons", 0) & nvml.nvmlClocksThrottleReasonHwSlowdown
    return sickness(told.get("errors", 0), is_slowed=bool(slowed), is_worn=bool(told.get("remapping failed", 0)))


def sickness(errors: int, *, is_slowed: bool, is_worn: bool) -> str | None:
    """Return what is wrong with a GPU in words, or None.

    Args:
        errors: of memory, that were not corrected since the driver was loaded.
        is_slowed: whether the hardware holds its clocks down, for heat or power.
        is_worn: whether rows of memory could not be replaced by spare ones.
    """
    if errors:
        return f"{errors} uncorrected memory errors"
    if is_worn:
        return "rows of its memory could not be remapped"
    return "its clocks are held down by the hardware" if is_slowed else None


def _told(nvml: Any, asked: Mapping[str, Any]) -> dict[str, int]:
    told: dict[str, int] = {}
    for name, ask in asked.items():
        try:
            told[name] = int(ask())
        except (nvml.NVMLError, AttributeError, NotImplementedError):  # not supported here, or by this nvidia-ml-py
            continue
    return told
