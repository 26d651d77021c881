"""The machine: what `nvidia-smi` says, and whether the GPU is fit to measure on."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests import ROOT
from tests.latency import machine
from tests.latency.machine import (
    GpuAbsent,
    GpuBusy,
    gpu_state,
    kernel_module_version,
    not_ours,
    require_idle,
    the_one,
    this_machine,
    why_busy,
)
from tests.latency.nvidia_smi import GpuProcess, parse_gpus, parse_processes

H100 = "GPU-6b1c2d3e-0000-1111-2222-333344445555"
H200 = "GPU-9f8e7d6c-aaaa-bbbb-cccc-ddddeeeeffff"
IDLE = f"0, {H100}, NVIDIA H100 80GB HBM3, 570.86.15, 0, 34, 345, 2619, 1980, 69.13\n"
TWO = IDLE + f"1, {H200}, NVIDIA H200, 570.86.15, 97, 61, 1980, 3201, 1980, 655.02\n"
SILENT = f"0, {H100}, NVIDIA GH200 480GB, 550.54.15, [N/A], [N/A], 1980, [Not Supported], 1980, [Unknown Error]\n"
OF_OTHERS = f"{H100}, 4242, python3, 1024\n{H200}, 77, /opt/a, b/server --port 1, [N/A]\n"


class Smi:
    """Answers as `nvidia-smi` would."""

    def __init__(self, gpus: str | None = IDLE, processes: str | None = "") -> None:
        self.answers = {"--query-gpu": gpus, "--query-compute-apps": processes}

    def __call__(self, command):
        assert command[0] == "nvidia-smi"
        return self.answers[command[1].partition("=")[0]]


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


def test_a_gpu_is_parsed():
    (state,) = parse_gpus(IDLE)
    assert (state.index, state.uuid, state.name, state.driver) == (0, H100, "NVIDIA H100 80GB HBM3", "570.86.15")
    assert (state.utilisation, state.temperature) == (0, 34)
    assert (state.sm_clock, state.memory_clock, state.most_sm_clock, state.power) == (345, 2619, 1980, 69.13)
    assert state.as_json()["uuid"] == H100


def test_what_is_not_told_is_none():
    (state,) = parse_gpus(SILENT)
    assert (state.utilisation, state.temperature, state.memory_clock, state.power) == (None, None, None, None)
    assert state.sm_clock == 1980


def test_other_fields_are_an_error():
    with pytest.raises(ValueError, match=r"nvidia-smi --query-gpu: expected 10 fields, got 2: 0, NVIDIA"):
        parse_gpus("0, NVIDIA\n")


def test_processes_are_parsed():
    assert parse_processes(OF_OTHERS) == [
        GpuProcess(H100, 4242, "python3", 1024),
        GpuProcess(H200, 77, "/opt/a,b/server --port 1", None),
    ]
    assert parse_processes("") == parse_processes("No running processes found\n") == []


def test_the_gpu_is_found_by_its_uuid():
    states = parse_gpus(TWO)
    assert the_one(states, H200) is states[1]
    assert the_one(states, "GPU-another") is None
    assert the_one(states, None) is None
    assert the_one(states[:1], None) is states[0]


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


def test_the_machine(gpu):
    import torch
    import triton

    told = this_machine(Smi())
    assert told.as_json() == {
        "gpu": "NVIDIA H100 80GB HBM3",
        "driver": "570.86.15",
        "torch": torch.__version__,
        "triton": triton.__version__,
        "cuda": "12.9",
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
    }
    assert str(told).startswith("NVIDIA H100 80GB HBM3, driver 570.86.15, torch ")


def test_the_machine_without_nvidia_smi(gpu, monkeypatch):
    monkeypatch.setattr(machine, "_read", lambda path: None)
    assert this_machine(Smi(gpus=None)).driver == "unknown"
    assert gpu_state(Smi(gpus=None)) is None


class TestBusy:
    """Who else may be on the GPU."""

    def test_idle(self, gpu):
        assert require_idle(Smi()) == []

    def test_another_process(self, gpu):
        with pytest.raises(GpuBusy, match=r"^GPU 0 \(NVIDIA H100 80GB HBM3\) is busy: python3 \(process 4242\) on it"):
            require_idle(Smi(processes=OF_OTHERS))

    def test_a_process_on_another_gpu_does_not_matter(self, gpu):
        gpu.uuid = H200.removeprefix("GPU-")
        others = f"{H100}, 4242, python3, 1024\n"
        with pytest.raises(GpuBusy, match=r"^GPU 1 \(NVIDIA H200\) is busy: used 97 % of the time"):
            require_idle(Smi(TWO, others), wait=lambda seconds: None)

    def test_what_ran_just_before_is_waited_out(self, gpu):
        states = iter([IDLE.replace(" 0, 34", " 88, 34"), IDLE.replace(" 0, 34", " 12, 34"), IDLE])
        waited: list[float] = []

        def ask(command):
            return next(states) if "--query-gpu" in command[1] else ""

        assert require_idle(ask, wait=waited.append) == []
        assert waited == [0.5, 0.5]

    def test_this_process_and_those_that_started_it_do_not_count(self, gpu):
        import os

        own = f"{H100}, {os.getpid()}, python3, 500\n{H100}, {os.getppid()}, python3, 500\n"
        assert require_idle(Smi(processes=own)) == []

    def test_use_by_somebody_who_is_not_listed(self):
        (state,) = parse_gpus(IDLE.replace(" 0, 34", " 45, 34"))
        assert "used 45 % of the time, by whom is not told" in (why_busy(state, []) or "")

    def test_many_processes_are_counted(self):
        (state,) = parse_gpus(IDLE)
        processes = [GpuProcess(H100, pid, "worker", 1) for pid in range(5)]
        assert "worker (process 2) and 2 more on it" in (why_busy(state, processes) or "")

    def test_what_cannot_be_checked_is_told(self, gpu):
        assert require_idle(Smi(gpus=None)) == ["whether the GPU is busy: nvidia-smi does not tell"]
        assert require_idle(Smi(processes=None)) == ["which processes are on the GPU: nvidia-smi does not tell"]
        assert require_idle(Smi(SILENT)) == ["whether the GPU is busy: nvidia-smi does not tell its utilisation"]

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
        processes = [GpuProcess(H100, pid, "python3", 1) for pid in pids]
        found = not_ours(processes, frozenset({1}), lambda pid: pid == 7, has_context=has_context)
        assert tuple(tuple(process.pid for process in part) for part in found) == (others, doubtful)


def test_no_gpu_is_one_clear_line(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for ask in (this_machine, gpu_state, require_idle):
        with pytest.raises(GpuAbsent, match=r"^no NVIDIA GPU is visible to this process"):
            ask(Smi())


def test_a_command_that_is_not_there_or_fails_tells_nothing():
    assert machine.ask_command(["no-such-command-anywhere"]) is None
    assert machine.ask_command([sys.executable, "-c", "raise SystemExit(3)"]) is None
    assert machine.ask_command([sys.executable, "-c", "print(1)"]) == "1\n"


def test_reading_the_machine_needs_no_torch():
    code = "import sys; import tests.latency.machine; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
