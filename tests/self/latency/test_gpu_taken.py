"""Which GPU latency takes where there are several, and what it says of the others."""

import sys
from types import SimpleNamespace

import pytest

from tests.calls.errors import Foreseen
from tests.latency.condition import condition, sickness
from tests.latency.gpu_taken import take_gpu
from tests.latency.machine import GpuAbsent
from tests.self.latency.fake_nvml import FakeNvml, Gpu

FIRST, SECOND, THIRD = (f"GPU-{digit * 8}-0000-0000-0000-000000000000" for digit in "123")


@pytest.fixture
def gpus(monkeypatch):
    """A torch that sees what the driver has, and takes what it is told."""
    import torch

    def put(*found: Gpu) -> None:
        current = [0]
        monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(*found))
        monkeypatch.setattr(torch.version, "cuda", "12.9")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(found))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(found))
        monkeypatch.setattr(torch.cuda, "set_device", lambda index: current.__setitem__(0, index))
        monkeypatch.setattr(torch.cuda, "current_device", lambda: current[0])
        properties = [SimpleNamespace(name=gpu.name, uuid=gpu.uuid.removeprefix("GPU-")) for gpu in found]
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties[index])

    return put


def gpu(uuid: str = FIRST, **more: object) -> Gpu:
    return Gpu(uuid, "NVIDIA H100", **more)  # type: ignore[arg-type]


def test_the_first_that_is_idle_and_well_is_taken_and_the_others_told(gpus):
    gpus(gpu(processes=[4242]), gpu(SECOND, errors=3), gpu(THIRD))
    taken = take_gpu()
    assert (taken.uuid, taken.name, taken.unchecked) == (THIRD, "GPU 2 (NVIDIA H100)", ())
    assert taken.left_out[0].startswith("GPU 0 (NVIDIA H100) is busy: ")
    assert taken.left_out[1] == "GPU 1 (NVIDIA H100) is sick: 3 uncorrected memory errors; measure on another"


def test_a_second_process_takes_the_same_or_none(gpus):
    gpus(gpu(), gpu(SECOND))
    assert take_gpu(SECOND).uuid == SECOND
    with pytest.raises(GpuAbsent, match="is not visible to this process"):
        take_gpu(THIRD)


def test_where_none_is_fit_each_reason_is_told(gpus):
    gpus(gpu(processes=[4242]), gpu(SECOND, reasons=8))
    with pytest.raises(Foreseen, match=r"GPU 0 .* is busy: .*; GPU 1 .* is sick: its clocks are held down") as caught:
        take_gpu()
    assert not isinstance(caught.value, GpuAbsent)


def test_where_there_is_none_that_is_said(gpus):
    gpus()
    with pytest.raises(GpuAbsent, match="no NVIDIA GPU is visible"):
        take_gpu()


def test_what_the_driver_does_not_tell_is_no_sickness(gpus):
    gpus(gpu(errors=None, reasons=None))
    assert take_gpu().uuid == FIRST
    assert condition() == {"sm_mhz": 1980, "memory_mhz": 2619, "temperature_c": 41}


def test_sicknesses():
    assert sickness(0, is_slowed=False, is_worn=False) is None
    assert "3 uncorrected" in (sickness(3, is_slowed=True, is_worn=True) or "")
    assert "remapped" in (sickness(0, is_slowed=True, is_worn=True) or "")
    assert "held down" in (sickness(0, is_slowed=True, is_worn=False) or "")
