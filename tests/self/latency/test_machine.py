"""The machine: what its driver tells, and whether the GPU is fit to measure on."""

import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests.calls.errors import Foreseen
from tests.latency import machine
from tests.latency.machine import (
    GpuAbsent,
    GpuProcess,
    NotTold,
    kernel_module_version,
    not_ours,
    require_idle,
    this_machine,
    why_busy,
)
from tests.self import commands
from tests.self.latency.fake_nvml import FakeNvml, Gpu

H100 = "GPU-6b1c2d3e-0000-1111-2222-333344445555"
H200 = "GPU-9f8e7d6c-aaaa-bbbb-cccc-ddddeeeeffff"


def one(**more: Any) -> Gpu:
    return Gpu(H100, "NVIDIA H100 80GB HBM3", **more)


def other(**more: Any) -> Gpu:
    return Gpu(H200, "NVIDIA H200", **more)


@pytest.fixture
def driver(monkeypatch):
    """Put a driver in place, and return it."""

    def put(*gpus, **more):
        fake = FakeNvml(*gpus, **more)
        monkeypatch.setitem(sys.modules, "pynvml", fake)
        return fake

    return put


@pytest.fixture
def gpu(monkeypatch):
    """A torch that sees one H100."""
    import torch

    properties = SimpleNamespace(name="NVIDIA H100 80GB HBM3", uuid=H100.removeprefix("GPU-"))
    monkeypatch.setattr(torch.version, "cuda", "12.9")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)
    return properties


def test_a_gpu_is_told(driver):
    fake = driver(one(), other(utilisation=None))
    assert machine.state_of(H100) == machine.GpuState(0, "NVIDIA H100 80GB HBM3", "570.86.15", 0)
    assert machine.state_of(H200) == machine.GpuState(1, "NVIDIA H200", "570.86.15", None)
    assert fake.open == 0


def test_processes_are_told(driver):
    driver(one(processes=[4242, 77]), names={4242: "python3"})
    assert machine.processes_on(H100) == [GpuProcess(4242, "python3"), GpuProcess(77, "a process")]


@pytest.mark.parametrize(
    ("gpus", "uuid", "is_there", "why"),
    [
        ((one(),), H200, True, r"the driver does not tell \(Not Found\)"),
        ((one(),), H100, False, r"the driver does not tell \(Driver Not Loaded\)"),
    ],
)
def test_why_nothing_is_known(driver, gpus, uuid, is_there, why):
    fake = driver(*gpus, is_there=is_there)
    with pytest.raises(NotTold, match=why):
        machine.state_of(uuid)
    assert fake.open == 0


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC", "550.54.15"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86  Release Build\n", "570.86"),
        ("something else", None),
        (None, None),
    ],
)
def test_driver_without_nvidia_smi(text, version):
    assert kernel_module_version(text) == version


def test_the_machine(gpu, driver):
    import torch
    import triton

    driver(one())
    told = this_machine()
    assert told.as_json() == {
        "gpu": "NVIDIA H100 80GB HBM3",
        "driver": "570.86.15",
        "torch": torch.__version__,
        "triton": triton.__version__,
        "cuda": "12.9",
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
    }
    assert str(told).startswith("NVIDIA H100 80GB HBM3, driver 570.86.15, torch ")


def test_the_machine_without_nvidia_ml_py(gpu, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setattr(machine, "_read", lambda path: None)
    assert this_machine().driver == "unknown"


class TestBusy:
    """Who else may be on the GPU."""

    def test_idle(self, gpu, driver):
        driver(one())
        assert require_idle() == []

    def test_another_process(self, gpu, driver):
        driver(one(processes=[4242]), names={4242: "python3"})
        with pytest.raises(Foreseen, match=r"^GPU 0 \(NVIDIA H100 80GB HBM3\) is busy: python3 \(process 4242\) on it"):
            require_idle()

    def test_a_process_on_another_gpu_does_not_matter(self, gpu, driver):
        gpu.uuid = H200.removeprefix("GPU-")
        driver(one(processes=[4242]), other(utilisation=97))
        with pytest.raises(Foreseen, match=r"^GPU 1 \(NVIDIA H200\) is busy: used 97 % of the time"):
            require_idle(wait=lambda seconds: None)

    def test_what_ran_just_before_is_waited_out(self, gpu, driver):
        driver(one()).looks = [88, 12, 0]
        waited: list[float] = []
        assert require_idle(wait=waited.append) == []
        assert waited == [0.5, 0.5]

    def test_this_process_and_those_that_started_it_do_not_count(self, gpu, driver):
        driver(one(processes=[os.getpid(), os.getppid()]))
        assert require_idle() == []

    def test_use_by_somebody_who_is_not_listed(self, driver):
        driver(one(utilisation=45))
        assert "used 45 % of the time, by whom is not told" in (why_busy(machine.state_of(H100), []) or "")

    def test_many_processes_are_counted(self, driver):
        driver(one())
        processes = [GpuProcess(pid, "worker") for pid in range(5)]
        assert "worker (process 2) and 2 more on it" in (why_busy(machine.state_of(H100), processes) or "")

    @pytest.mark.parametrize(
        ("state", "unchecked"),
        [
            ({"processes": None}, "which processes are on the GPU: the driver does not tell (Not Supported)"),
            ({"utilisation": None}, "whether the GPU is busy: the driver does not tell its utilisation"),
        ],
    )
    def test_what_cannot_be_checked_is_told(self, gpu, driver, state, unchecked):
        driver(one(**state))
        assert require_idle() == [unchecked]

    def test_without_nvidia_ml_py(self, gpu, monkeypatch):
        monkeypatch.setitem(sys.modules, "pynvml", None)
        assert require_idle() == ["whether the GPU is busy: nvidia-ml-py is not installed"]

    @pytest.mark.parametrize(
        ("pids", "has_context", "others", "doubtful"),
        [
            ((5,), False, (5,), ()),
            ((5,), True, (), (5,)),
            ((5, 6), True, (6,), (5,)),
            ((1, 5), True, (5,), ()),  # this process is listed, so the other one is another
            ((7,), True, (7,), ()),  # visible here, and not this process
        ],
    )
    def test_ids_of_another_namespace(self, pids, has_context, others, doubtful):
        processes = [GpuProcess(pid, "python3") for pid in pids]
        found = not_ours(processes, frozenset({1}), lambda pid: pid == 7, has_context=has_context)
        assert tuple(tuple(process.pid for process in part) for part in found) == (others, doubtful)


def test_no_gpu_is_one_clear_line(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for ask in (this_machine, require_idle):
        with pytest.raises(GpuAbsent, match=r"^no NVIDIA GPU is visible to this process"):
            ask()


def test_reading_the_machine_needs_no_torch():
    code = "import sys; import tests.latency.machine; sys.exit('torch' in sys.modules)"
    assert commands.python("-c", code).returncode == 0
