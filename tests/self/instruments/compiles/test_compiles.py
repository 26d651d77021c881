"""What compiles is told as such, what does not is not, and each is asked once."""

import json
import sys
from types import SimpleNamespace

import pytest
import torch
import triton

if not triton.knobs.runtime.interpret:
    pytest.skip("launches are listened to with TRITON_INTERPRET=1", allow_module_level=True)

from tests.calls.implementations import load_implementation
from tests.calls.inputs import Inputs
from tests.cases.case import Case
from tests.instruments.compiles import Compiles, child
from tests.instruments.compiles.answers import COMPILES, Answer, Answers
from tests.instruments.compiles.helper import CannotAsk, Helper
from tests.instruments.compiles.source_key import source_key
from tests.instruments.cost.variants import Variant
from tests.instruments.red_zones import RedZonedMemory

CASE = Case(name="some", rules=(1,), seq_lens=(3, 0), family="lengths")
KERNEL = """import triton
import triton.language as tl

OFFSET: tl.constexpr = tl.constexpr(3)


@triton.jit
def helped(value):
    return value + OFFSET


def made():
    @triton.jit
    def inner(out, SIZE: tl.constexpr):
        lane = tl.arange(0, SIZE)
        tl.store(out + lane, helped(lane).to(tl.uint8))

    return inner


kernel = made()


def get_k(buf, *others):
    {call}
    return buf
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("answers")


def found(path, source, folder, helper=None):
    """Return what is found on a call of `get_k` of a source."""
    path.write_text(source)
    function = load_implementation(str(path)).functions["get_k"]
    arguments = Inputs(CASE, torch.device("cpu"), RedZonedMemory()).arguments
    with Compiles(str(path), folder) as instrument:
        if helper is not None:
            instrument._helper = helper
        with instrument.watch() as seen:
            function(*arguments)
        return seen.refusals()


class NoHelper(Helper):
    def ask(self, request):
        raise AssertionError("asked again")


@pytest.mark.parametrize("made", ["kernel", "made()"])
def test_a_kernel_made_inside_a_function_compiles_and_is_asked_once(made, folder, tmp_path):
    source = KERNEL.replace("{call}", f"{made}[(1,)](buf, SIZE=4)")
    assert found(tmp_path / "right.py", source, folder) == []
    assert found(tmp_path / "again.py", "# moved by a line\n" + source, folder, NoHelper("own")) == []


def test_what_does_not_compile_is_told_with_its_line_also_from_the_disk(folder, tmp_path):
    source = KERNEL.replace("{call}", "kernel[(0,)](buf, SIZE=3)")
    ((message, line),) = found(tmp_path / "wrong.py", source, folder)
    assert line == f"{tmp_path / 'wrong.py'}:15"
    assert message.startswith("made.<locals>.inner does not compile: arange's range must be a power of 2")
    assert "(wrong.py line 15)" in message
    ((message, _),) = found(tmp_path / "moved.py", "\n" + source, folder, NoHelper("own"))
    assert "(moved.py line 16)" in message


@pytest.mark.parametrize(("shared", "reason"), [(232_448, None), (232_449, "it needs 232,449 bytes of shared memory")])
def test_too_much_shared_memory_is_told_by_the_machine_code(shared, reason, monkeypatch):
    variant = Variant("module", "kernel", "key", "cuda", {}, {}, {}, {})
    monkeypatch.setattr(child, "ASTSource", lambda *given: None)
    monkeypatch.setattr(child, "front_end", lambda *given: None)
    of_code = SimpleNamespace(metadata=SimpleNamespace(shared=shared))
    monkeypatch.setattr(child.triton, "compile", lambda *given, **named: of_code)
    told = child.compiled(variant, None, True)
    assert (told["reason"] or "").startswith(reason or "")
    assert (told["reason"] is None, told["is_of_ir"]) == (reason is None, False)
    assert child.compiled(variant, None, False)["reason"] is None


def test_a_compiler_that_is_not_all_there_says_nothing_of_a_kernel(monkeypatch):
    def lacks_a_tool(*arguments, **options):
        raise FileNotFoundError(2, "No such file or directory", "ptxas")

    monkeypatch.setattr(child, "ASTSource", lambda *given: None)
    monkeypatch.setattr(child, "front_end", lambda *given: None)
    monkeypatch.setattr(child.triton, "compile", lacks_a_tool)
    told = child.compiled(Variant("module", "kernel", "key", "cuda", {}, {}, {}, {}), None, True)
    assert told["error"].startswith("Triton's compiler does not run: FileNotFoundError: ")


def test_a_launch_that_triton_refuses(folder, tmp_path):
    source = KERNEL.replace("{call}", "kernel[(0,)](buf, SIZE=4, unheard_of=3)")
    ((message, _),) = found(tmp_path / "option.py", source, folder)
    assert "Triton refuses the launch of made.<locals>.inner for cuda" in message
    assert "unheard_of" in message


def test_a_module_that_cannot_be_imported_there_leaves_it_undecided(folder, tmp_path):
    source = "import triton\nassert triton.knobs.runtime.interpret, 'only here'\n" + KERNEL
    source = source.replace("{call}", "kernel[(1,)](buf, SIZE=4)").replace("+ OFFSET", "+ 2 * OFFSET")
    with pytest.raises(CannotAsk, match="only here"):
        found(tmp_path / "here.py", source, folder)


def test_a_process_that_ends_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(CannotAsk, match="ended"):
        Helper("own").ask({"file": "mine.py"})


def test_the_key_follows_what_a_kernel_uses(tmp_path):
    def key(source):
        path = tmp_path / f"keyed{len(list(tmp_path.iterdir()))}.py"
        path.write_text(source)
        load_implementation(str(path))
        return source_key(sys.modules[f"examined_{path.stem}"].kernel.fn)

    source = KERNEL.replace("{call}", "pass")
    assert key(source) == key("\n\n" + source)
    assert key(source) == key(source.replace("return buf", "return None"))
    others = [
        ("value + OFFSET", "value - OFFSET"),
        ("tl.constexpr(3)", "tl.constexpr(4)"),
        ("out + lane", "out - lane"),
    ]
    assert len({key(source), *(key(source.replace(*change)) for change in others)}) == 4


def test_answers_are_kept_and_a_damaged_one_counts_as_none(tmp_path):
    answers = Answers(tmp_path / "below")
    assert answers.get("a") is None
    answers.keep("a", Answer("no", 3))
    answers.keep("b", COMPILES)
    again = Answers(tmp_path / "below")
    assert (again.get("a"), again.get("b")) == (Answer("no", 3), COMPILES)
    (tmp_path / "below" / "a.json").write_text(json.dumps(3))
    assert Answers(tmp_path / "below").get("a") is None
