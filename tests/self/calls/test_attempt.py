"""Whatever examined code raises is told, with where it came from; the user's own wish to stop is not taken for it."""

import os
import signal
import sys
import unittest

import pytest

from tests.calls import interruption
from tests.calls.attempt import attempt
from tests.calls.errors import NeedsGpu
from tests.calls.implementations import NoImplementation, load_implementation
from tests.calls.interruption import note_interruptions

RAISES = {
    "skip": lambda: pytest.skip("not today"),
    "xfail": lambda: pytest.xfail("not today"),
    "end of the run": lambda: pytest.exit("not today"),
    "exit": lambda: sys.exit("not today"),
    "unittest's skip": lambda: (_ for _ in ()).throw(unittest.SkipTest("not today")),
    "interruption": lambda: (_ for _ in ()).throw(KeyboardInterrupt("not today")),
    "closed generator": lambda: (_ for _ in ()).throw(GeneratorExit("not today")),
}


class _Silent(Exception):
    def __str__(self) -> str:
        raise SystemExit


@pytest.mark.parametrize("way", RAISES)
def test_anything_that_is_raised_is_told(way):
    result, raised = attempt(RAISES[way])
    assert result is None
    assert raised is not None
    assert "not today" in raised.text
    assert raised.place.startswith("test_attempt.py line ")


def test_an_error_whose_text_is_an_error():
    def fail():
        raise _Silent

    _, raised = attempt(fail)
    assert raised is not None
    assert raised.text == "_Silent: (its text cannot be had)"


def test_the_place_is_the_innermost_line_of_examined_code(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import torch, json\n\ndef get_k(*a):\n    return torch.zeros(3).view(2)\n\nget_s = json.loads\n")
    functions = load_implementation(str(path)).functions
    _, raised = attempt(functions["get_k"])
    assert str(raised).startswith("raised RuntimeError: shape '[2]' is invalid")
    assert str(raised).endswith(" (mine.py line 4)")
    _, raised = attempt(lambda: functions["get_s"]("{"))
    assert " (test_attempt.py line " in str(raised)


def test_a_call_that_does_not_fit_is_told_with_the_function(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("\ndef get_k(a):\n    pass\n")
    _, raised = attempt(load_implementation(str(path)).functions["get_k"], 1, 2)
    assert str(raised) == "raised TypeError: get_k() takes 1 positional argument but 2 were given (mine.py line 2)"


def test_the_harness_own_reason_passes():
    def fail():
        raise NeedsGpu("needs a GPU")

    with pytest.raises(NeedsGpu):
        attempt(fail)


@pytest.fixture
def noted(monkeypatch):
    monkeypatch.setattr(interruption, "_wishes", [])
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    note_interruptions()
    yield
    signal.signal(signal.SIGINT, before)


def test_the_users_wish_is_an_interruption_even_if_it_is_swallowed(noted):
    def call():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            return "swallowed"

    with pytest.raises(KeyboardInterrupt):
        attempt(call)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "import pytest; pytest.skip('no', allow_module_level=True)",
            "importing it failed: it raised Skipped: no (m.py",
        ),
        ("import sys\nsys.exit(0)", "importing it failed: it raised SystemExit: 0 (m.py line 2)"),
        ("raise KeyboardInterrupt", "importing it failed: it raised KeyboardInterrupt: (no text) (m.py line 1)"),
        ("def get_k(:", "importing it failed: it raised SyntaxError: "),
        ("class get_k:\n    def __new__(cls): raise SystemExit(1)", "is a class, and making an object of it"),
        (
            "def __getattr__(name):\n    raise SystemExit(1)",
            "looking for its functions failed: it raised SystemExit: 1",
        ),
    ],
)
def test_what_an_import_raises_is_one_sentence(source, told, tmp_path):
    path = tmp_path / "m.py"
    path.write_text(source)
    with pytest.raises(NoImplementation) as refused:
        load_implementation(f"{path}:get_k" if "class" in source else str(path))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_forked_child_does_not_go_on_as_a_second_worker():
    children = []
    _, raised = attempt(lambda: children.append(os.fork()))
    assert raised is not None
    assert str(raised).startswith("raised ReturnedTwice: it forked, and returned in the child as well")
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0


def test_a_child_that_does_not_come_back_is_nobodys_business():
    def work() -> None:
        if not (child := os.fork()):
            os._exit(0)
        os.waitpid(child, 0)

    assert attempt(work) == (None, None)
