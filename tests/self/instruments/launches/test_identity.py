"""Identity: whether base and head put the same machine code and the same launches on the GPU."""

import pickle
import shutil
from dataclasses import replace

import pytest
import torch

from ci.latency.base import load_folder
from tests import ROOT
from tests.calls.implementations import load_implementation
from tests.calls.inputs import Inputs
from tests.cases.case import Case
from tests.instruments.launches.cubin import NotACubin, differences, machine_code
from tests.instruments.launches.identity import CallRecord, compare
from tests.instruments.launches.observed import CannotObserve, identify, record_call
from tests.instruments.red_zones import RedZonedMemory
from tests.instruments.triton_seams import UnknownLauncher, launcher_calls
from tests.planted.slowdowns import SLOWDOWNS
from tests.self import commands
from tests.self.instruments.launches.kernels import ALIKE, DIFFERENT


def _without_interpreter(what, folder):
    """Have calls recorded in a process in which Triton compiles."""
    words = ("-m", "tests.self.instruments.launches.child", what, folder)
    done = commands.python(*words, TRITON_CACHE_DIR=str(folder / "cache"))
    assert done.returncode == 0, done.stderr
    return pickle.loads((folder / "records.pickle").read_bytes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Holds compiled versions of a small kernel and records of their launches."""
    folder = tmp_path_factory.mktemp("identity")
    _without_interpreter("kernels", folder)
    return folder


@pytest.fixture(scope="module")
def records(folder):
    return pickle.loads((folder / "records.pickle").read_bytes())


def _cubin(folder, name):
    return (folder / f"{name}.cubin").read_bytes()


class TestMachineCode:
    """What of two cubins is the same."""

    @pytest.mark.parametrize("name", list(ALIKE))
    def test_comments_lines_and_names_do_not_count(self, folder, name):
        plain, other = _cubin(folder, "plain"), _cubin(folder, name)
        assert (plain != other) == (name != "plain"), "the files differ, or the test would show nothing"
        assert differences(machine_code(plain), machine_code(other)) == []

    def test_a_changed_constant_is_one_instruction(self, folder):
        told = differences(machine_code(_cubin(folder, "plain")), machine_code(_cubin(folder, "constant")))
        assert told == ["machine code: 1 of 32 instructions changed"]

    def test_more_code_is_told_with_sizes_and_registers(self, folder):
        plain, more = machine_code(_cubin(folder, "plain")), machine_code(_cubin(folder, "more-code"))
        assert 0 < plain.registers < more.registers
        assert differences(plain, more) == [
            f"machine code 512 -> {len(more.text):,} bytes",
            f"registers {plain.registers} -> {more.registers}",
        ]

    def test_every_byte_of_code_counts(self, folder):
        cubin = _cubin(folder, "plain")
        code = machine_code(cubin)
        at = cubin.index(code.text)
        for place in range(at, at + len(code.text)):
            spoilt = cubin[:place] + bytes([cubin[place] ^ 1]) + cubin[place + 1 :]
            assert len(differences(code, machine_code(spoilt))) == 1

    def test_stack_and_constants_count(self, folder):
        code = machine_code(_cubin(folder, "plain"))
        assert differences(code, replace(code, stack_bytes=64)) == ["stack 0 -> 64 bytes"]
        changed = replace(code, rest={**code.rest, ".nv.constant0.0": b"", ".nv.global": b"8 bytes"})
        assert differences(code, changed) == ["what goes with the machine code: .nv.constant0.0, .nv.global"]

    @pytest.mark.parametrize(
        "spoil", [lambda c: b"", lambda c: b"\x7fELF\x02", lambda c: c[:600], lambda c: c[: len(c) // 2]]
    )
    def test_what_is_no_whole_cubin_is_refused(self, folder, spoil):
        with pytest.raises(NotACubin, match="expected"):
            machine_code(spoil(_cubin(folder, "plain")))


class TestLaunches:
    """What is seen of launches, with Triton's own `CompiledKernel` and a launcher that launches nothing."""

    @pytest.mark.parametrize("name", [*ALIKE, "direct"])
    def test_alike(self, records, name):
        identity = compare(records["plain"], records[name])
        assert identity.is_identical, str(identity)
        assert str(identity) == "identical machine code and launch"

    @pytest.mark.parametrize("name", list(DIFFERENT))
    def test_other_code(self, records, name):
        assert not compare(records["plain"], records[name]).is_identical

    def test_arguments_are_told_by_what_they_are(self, records):
        (launch,) = records["direct"].launches
        assert launch.arguments == (("buf_ptr", "buf + 0"), ("k_ptr", "result 0 + 0"), ("count", "1000"))

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("grid", "grid (8, 1, 1) -> (16, 2, 1)"),
            ("count", "argument count: 1000 -> 999"),
            ("offset", "argument buf_ptr: buf + 0 -> buf + 4"),
        ],
    )
    def test_a_difference_is_told_with_both_figures(self, records, name, told):
        assert str(compare(records["plain"], records[name])) == told

    def test_warps_are_told_besides_the_code(self, records):
        assert "num_warps 4 -> 8" in compare(records["plain"], records["warps"]).differences

    def test_several_differences_are_all_told(self, records):
        assert str(compare(records["grid"], records["constant"])) == (
            "machine code: 1 of 32 instructions changed; grid (16, 2, 1) -> (8, 1, 1)"
        )

    def test_second_launch(self, records):
        told = compare(replace(records["plain"], nodes=None), replace(records["twice"], nodes=None)).differences
        assert told[0] == "launches 1 -> 2"
        assert told[1].startswith("launch 1: argument k_ptr: result 0 + 0 -> memory of its own, aligned to ")


MORE_LOADS = next(slowdown for slowdown in SLOWDOWNS if slowdown.name == "4 dependent loads")


def _commented(text):
    return text.replace("@triton.jit", "# A comment.\n\n@triton.jit").replace("\n    if ", "\n    # Why.\n    if ")


@pytest.fixture(scope="module")
def gathers(tmp_path_factory):
    """Records of the project's own gather, and of versions of it."""
    folder = tmp_path_factory.mktemp("gathers")
    edits = {
        "base": {},
        "commented": {"kernel.py": _commented, "launch.py": _commented},
        "other-value": {"kernel.py": lambda text: text.replace("other=0)", "other=3)")},
        "more-loads": {"kernel.py": lambda text: MORE_LOADS.source()},
        "fewer-warps": {"plan.py": lambda text: text.replace("WARP_BYTES = 1_024", "WARP_BYTES = 4_096")},
    }
    for name, of_files in edits.items():
        shutil.copytree(ROOT / "kernels", folder / name / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
        for file, edit in of_files.items():
            path = folder / name / "kernels" / file
            text = path.read_text()
            path.write_text(edit(text))
            assert path.read_text() != text, f"{name} is no edit of {file} any more"
    return _without_interpreter("gathers", folder)


class TestOwnGathers:
    """The project's `get_k_and_s` as base and head, compiled for an H100 that is not there."""

    def test_one_launch_is_seen_on_whichever_path_it_takes(self, gathers):
        for record in gathers.values():
            (launch,) = record.launches
            assert {name: value for name, value in launch.arguments if name == "buf_ptr"} == {"buf_ptr": "buf + 0"}
        assert compare(gathers["base, first"], gathers["base, later"]).is_identical

    def test_a_commit_of_comments_is_identical(self, gathers):
        assert compare(gathers["base, later"], gathers["commented, later"]).is_identical

    def test_a_commit_that_changes_the_kernel_is_not(self, gathers):
        assert "machine code" in str(compare(gathers["base, later"], gathers["other-value, later"]))

    def test_further_loads_are_told_by_width(self, gathers):
        (before,), (after,) = gathers["base, later"].launches, gathers["more-loads, later"].launches
        name = "loads of 4 bytes"  # a page's number
        assert after.code.moves[name] == before.code.moves[name] + 4
        told = compare(gathers["base, later"], gathers["more-loads, later"]).differences
        assert f"{name} {before.code.moves[name]} -> {after.code.moves[name]}" in told

    def test_a_commit_that_changes_the_launch_is_not(self, gathers):
        assert "num_warps 4 -> 1" in compare(gathers["base, later"], gathers["fewer-warps, later"]).differences


class TestOnAGpu:
    """The same with a real driver: launches, and the nodes of a real CUDA graph."""

    @pytest.fixture
    def arguments(self, device):
        if device != "cuda":
            pytest.skip("needs a GPU: graphs are captured on one")
        case = Case(name="some", rules=(1,), seq_lens=(700, 0, 65, 1), family="identity")
        return Inputs(case, torch.device(device), RedZonedMemory()).arguments

    @pytest.fixture
    def own(self):
        return load_implementation("own").functions["get_k_and_s"]

    def test_a_gather_is_identical_to_itself(self, arguments, own, tmp_path):
        shutil.copytree(ROOT / "kernels", tmp_path / "kernels")
        base = load_folder(tmp_path, "base").functions["get_k_and_s"]
        identity = identify(base, own, arguments)
        assert identity.is_identical, str(identity)

    def test_a_fill_is_seen(self, arguments, own):
        def filled(*given):
            torch.zeros(64, device="cuda")
            return own(*given)

        assert "head: the call is " in str(identify(own, filled, arguments))

    def test_a_call_that_waits_cannot_be_captured(self, arguments, own):
        def waits(*given):
            given[2].tolist()
            return own(*given)

        assert "head: a CUDA graph cannot hold the call" in str(identify(own, waits, arguments))
        assert identify(own, own, arguments).is_identical, "and the next call is seen again"


class TestUnsure:
    """What may have been missed is never called identical."""

    @pytest.mark.parametrize(
        ("nodes", "told"),
        [
            ({"kernel": 2}, "head: the call is 2 x kernel, of which 1 x launch of a Triton kernel were seen"),
            ({"kernel": 1, "fill": 1}, "head: the call is 1 x kernel, 1 x fill, of which 1 x launch"),
            ({}, "head: the call is 0 x kernel"),
        ],
    )
    def test_more_on_the_gpu_than_was_seen(self, records, nodes, told):
        identity = compare(records["plain"], replace(records["plain"], nodes=nodes))
        assert not identity.is_identical
        assert told in str(identity)

    def test_nothing_seen_and_nothing_counted(self):
        nothing = CallRecord(())
        assert str(compare(nothing, nothing)) == "base: no launch was seen; head: no launch was seen"

    def test_nothing_seen_where_something_was_launched(self, records):
        assert "base: the call is 1 x kernel" in str(compare(records["nothing"], records["plain"]))

    def test_an_empty_call_is_identical_to_another(self):
        assert compare(CallRecord((), {}), CallRecord((), {})).is_identical

    def test_calls_that_a_graph_orders_otherwise(self, records):
        told = compare(records["plain"], replace(records["plain"], early_starts=1))
        assert str(told) == "early starts in a graph of two calls 0 -> 1"

    def test_a_launcher_of_another_kind(self):
        with (
            pytest.raises(UnknownLauncher, match="no class with a __call__"),
            launcher_calls(lambda *args: None, print),
        ):
            pass

    def test_a_launcher_that_is_called_otherwise_is_not_observed_and_put_back(self):
        class Launcher:
            def __call__(self, *given, **named):
                return None

        original = Launcher.__call__
        with pytest.raises(UnknownLauncher, match="called in another way"), launcher_calls(Launcher, print):
            Launcher()(1, 2, 3)
        assert Launcher.__call__ is original

    def test_a_kernel_that_is_not_tritons(self):
        class Launcher:
            def __call__(self, *given):
                return None

        def call(*arguments):
            Launcher()(1, 1, 1, 0, 0xBAD, None, None, None, None)

        with pytest.raises(CannotObserve, match="not one of Triton's"):
            record_call(call, (1,) * 7, lambda call: call(), Launcher)
