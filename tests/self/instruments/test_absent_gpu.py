"""What is written for a GPU is examined on the CPU as far as that goes, and is undecided where it does not."""

import pytest
import torch
import triton

if not triton.knobs.runtime.interpret:
    pytest.skip("a GPU is stood in for where kernels are interpreted", allow_module_level=True)

from triton.runtime import driver
from triton.runtime.autotuner import Autotuner

from tests.calls.errors import NeedsGpu
from tests.calls.implementations import Implementation, load_implementation
from tests.cases.catalogue import catalogue
from tests.examine.examination import examine
from tests.instruments.absent_gpu import IS_CUDA_NOTE, PROPERTIES_NOTE, AbsentGpuCalls
from tests.planted.bugs.bug import BASE, after_the_check
from tests.planted.edits import Change
from tests.planted.odd import styles

CASES = {case.id: case for case in catalogue(seed_count=0)}
CASE, BAD = CASES["lengths/page"], CASES["bad-arguments/page-indices-float32"]


def called(function, case=CASE):
    calls = AbsentGpuCalls(case)
    return calls.of(Implementation("mine", {"get_k": function})).functions["get_k"], calls.notes


def gather(path, edits):
    """Return the planted gather with edits."""
    path.write_text(Change(name="gather", path=BASE, edits=edits).source())
    return load_implementation(str(path))


@pytest.mark.parametrize(
    ("edits", "note"),
    [
        (styles.ASSERTS_CUDA, IS_CUDA_NOTE),
        (after_the_check("if not torch.cuda.is_available():", "    raise OSError"), IS_CUDA_NOTE),
        (styles.DEVICE_GUARD, PROPERTIES_NOTE),
        (after_the_check("assert torch.cuda.get_device_properties(0).multi_processor_count == 132"), PROPERTIES_NOTE),
        (
            after_the_check(
                "utils = triton.runtime.driver.active.utils",
                "assert utils.get_device_properties(0)['multiprocessor_count'] == 132",
            ),
            None,
        ),
        (styles.AUTOTUNED, "_planted_kernel is autotuned: each call ran the next of its 2 configurations"),
        (styles.HEURISTICS, None),
    ],
)
def test_a_gather_for_a_gpu_is_examined(edits, note, tmp_path):
    calls = AbsentGpuCalls(CASE)
    implementation = calls.of(gather(tmp_path / "gather.py", edits))
    assert examine(implementation, CASE, device=torch.device("cpu")).is_clean
    assert note is None or list(calls.notes) == [note]


def test_each_configuration_has_its_turn():
    chosen = []

    class Kernel:
        def run(self, **given):
            chosen.append(given["SIZE"])

    def kernel():
        pass

    configurations = [triton.Config({"SIZE": size}) for size in (1, 2, 3)]
    tuned = triton.autotune(configurations, key=[])(triton.jit(kernel))
    tuned.fn = Kernel()
    call, _ = called(lambda: tuned.run(grid=(1,)))
    for _ in range(6):
        call()
    assert sorted(chosen[:3]) == sorted(chosen[3:]) == [1, 2, 3]


@pytest.mark.parametrize("bug", ["BLOCK == 16", "BLOCK == 64"])
def test_a_bug_of_one_configuration_is_found(bug, tmp_path):
    edits = {**styles.AUTOTUNED, "    row = start + token\n": f"    row = start + token + ({bug})\n"}
    implementation = AbsentGpuCalls(CASE).of(gather(tmp_path / "bug.py", edits))
    assert examine(implementation, CASE, device=torch.device("cpu")).findings


def need_memory(*_):
    torch.empty(3, device="cuda")


def need_library(*_):
    raise ImportError("libcuda.so.1: cannot open shared object file: No such file or directory")


def need_named(buf, *_):
    assert buf.device.type == "cuda"


@pytest.mark.parametrize("function", [need_memory, need_library, need_named, lambda *_: torch.cuda.current_stream()])
def test_what_still_needs_a_gpu_is_undecided(function):
    call, _ = called(function)
    with pytest.raises(NeedsGpu, match="needs a GPU"):
        call(torch.zeros(1))
    calls = AbsentGpuCalls(CASE)
    examined = examine(calls.of(Implementation("mine", {"get_k": function})), CASE, device=torch.device("cpu"))
    assert examined.findings == ()
    assert examined.undecided is not None
    assert examined.undecided.startswith("needs a GPU: ")


def test_an_error_that_no_gpu_would_mend_stays():
    def fails(buf, *_):
        size = 3 if buf.is_cuda else 4
        raise IndexError(f"page 12 of {size}")

    call, notes = called(fails)
    with pytest.raises(IndexError, match="page 12 of 4"):
        call(torch.zeros(1))
    assert not notes


def test_a_refusal_of_bad_arguments_may_speak_of_devices():
    def refuses(*_):
        raise ValueError("page_indices must be int32 or int64 on a CUDA device")

    call, _ = called(refuses, BAD)
    with pytest.raises(ValueError, match="page_indices"):
        call()


def test_bad_arguments_are_refused_past_an_assertion_of_a_gpu():
    def refuses(buf, *_):
        assert buf.is_cuda
        raise ValueError("page_indices must be int32")

    call, _ = called(refuses, BAD)
    for _ in range(2):
        with pytest.raises(ValueError, match="page_indices"):
            call(torch.zeros(1))


def test_a_tensor_elsewhere_is_not_told_to_be_on_a_gpu():
    def asks(buf, other):
        assert buf.is_cuda
        return other.is_cuda

    call, _ = called(asks)
    assert call(torch.zeros(1), torch.zeros(1, device="meta")) is False


def test_everything_is_as_before_after_a_call():
    def state():
        names = ("device", "current_device", "get_device_properties", "is_available", "_lazy_init", "set_device")
        return [getattr(torch.cuda, name) for name in names], driver._active, Autotuner.run, torch.zeros(1).is_cuda

    before = state()
    call, _ = called(lambda *_: torch.cuda.get_device_name())
    assert call() == "NVIDIA H100 80GB HBM3"
    with pytest.raises(NeedsGpu):
        called(need_memory)[0]()
    assert state() == before
    assert "is_cuda" not in vars(torch.Tensor)
