"""Do workers share the caller's GPUs, and only those?"""

import subprocess
import sys

import pytest

from tests import ROOT
from tests.plugin import devices
from tests.plugin.devices import CASE_BYTES, MOST_WORKERS_A_GPU, GpuPool, visible_gpus, workers_for


@pytest.mark.parametrize(
    ("environment", "count", "gpus"),
    [
        ({}, 2, ["0", "1"]),
        ({}, 0, []),
        ({"CUDA_VISIBLE_DEVICES": "3,1"}, 2, ["3", "1"]),
        ({"CUDA_VISIBLE_DEVICES": " 5 , GPU-8a1f "}, 2, ["5", "GPU-8a1f"]),
        ({"CUDA_VISIBLE_DEVICES": ""}, 0, []),
        # CUDA stops at the first entry that is no GPU of this machine.
        ({"CUDA_VISIBLE_DEVICES": "0,-1,1"}, 1, ["0"]),
    ],
)
def test_workers_stay_inside_the_callers_gpus(environment, count, gpus):
    assert visible_gpus(environment, count) == gpus


def test_each_worker_gets_the_gpu_with_the_fewest():
    pool = GpuPool(["4", "7"])
    assert [pool.take(worker) for worker in ("gw0", "gw1", "gw2", "gw3")] == ["4", "7", "4", "7"]


def test_the_worker_after_a_crash_gets_the_free_gpu():
    pool = GpuPool(["4", "7"])
    pool.take("gw0")
    pool.take("gw1")
    pool.give_back("gw1")
    assert pool.take("gw2") == "7"


def test_without_gpus_no_worker_gets_one():
    pool = GpuPool([])
    assert pool.take("gw0") is None
    pool.give_back("gw0")


@pytest.mark.parametrize(
    ("memories", "workers"),
    [([], 0), ([8 * 2**30], 1), ([CASE_BYTES, 2 * CASE_BYTES], 3), ([100 * CASE_BYTES], MOST_WORKERS_A_GPU)],
)
def test_as_many_workers_as_can_hold_the_largest_cases(memories, workers):
    assert workers_for(memories) == workers


def test_whoever_only_drives_workers_imports_no_torch():
    ask = "import sys; from tests.plugin import devices, hooks; devices.gpu_count(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


@pytest.mark.parametrize("cuda", [None, "13.0"])
def test_gpus_are_the_drivers_where_torch_is_made_for_them(monkeypatch, tmp_path, cuda):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").touch()
    (tmp_path / "torch" / "version.py").write_text(f"cuda = {cuda!r}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(devices, "free_memories", lambda: (1, 2))
    assert devices.gpu_count() == (2 if cuda else 0)


def test_torch_knows_best_where_it_is_imported(monkeypatch):
    import torch

    monkeypatch.setattr(devices, "free_memories", lambda: (1, 2))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # as with a driver that is too old for it
    assert devices.gpu_count() == 0
