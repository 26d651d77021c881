"""Is what the user names found, and refused with a reason where it is no gather?"""

import sys

import pytest

from tests.calls.attempt import attempt
from tests.calls.implementations import NoImplementation, load_implementation
from tests.cases.catalogue import catalogue
from tests.contract import Contract

CASES = {case.id: case for case in catalogue(seed_count=0)}
SOURCE = """
from types import SimpleNamespace
from tests.planted.faults import plain

class Fused:
    def get_k_and_s(self, *arguments):
        return plain.get_k_and_s(*arguments)

    def get_k(self, *arguments):
        return self.get_k_and_s(*arguments)[0]

class Static:
    get_k_and_s = staticmethod(plain.get_k_and_s)

class Callable:
    def __call__(self, *arguments):
        return plain.get_k_and_s(*arguments)

class NeedsAPool(Fused):
    def __init__(self, pool):
        self.pool = pool

class Empty:
    pass

ready = NeedsAPool(None)
get_s = lambda *arguments: plain.get_k_and_s(*arguments)[1]
gather = plain.get_k_and_s
several = SimpleNamespace(get_k=ready.get_k, get_s=get_s)
"""


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "several.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "functions"),
    [
        ("Fused", ["get_k_and_s", "get_k"]),
        ("Static", ["get_k_and_s"]),
        ("Callable", ["get_k_and_s"]),
        ("ready", ["get_k_and_s", "get_k"]),
        ("gather", ["get_k_and_s"]),
        ("several", ["get_k", "get_s"]),
    ],
)
def test_what_may_be_named(name, functions, module, examiner):
    implementation = load_implementation(f"{module}:{name}")
    assert list(implementation.functions) == functions
    assert examiner.examine(CASES["lengths/page-plus-one"], implementation, Contract.TRUSTING).is_clean


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "NeedsAPool",
            "NeedsAPool is a class, and making an object of it without arguments failed: it raised TypeError: ",
        ),
        ("Empty", "it has none of the functions get_k_and_s, get_k, get_s"),
        ("Absent", "has no 'Absent'"),
    ],
)
def test_what_may_not_be_named(name, reason, module):
    with pytest.raises(NoImplementation) as refused:
        load_implementation(f"{module}:{name}")
    assert f"--impl {module}:{name}: " in str(refused.value)
    assert reason in str(refused.value)


def test_a_neighbour_is_found_when_it_is_imported_in_a_function(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "neighbour_of_late.py").write_text("WIDTH = 4\n")
    (tmp_path / "json.py").write_text("raise AssertionError('this is not the json that others mean')\n")
    path = tmp_path / "late.py"
    path.write_text("def get_s(*arguments):\n    from neighbour_of_late import WIDTH\n    return WIDTH\n")
    load = load_implementation(str(path))
    assert load.functions["get_s"]() == 4
    assert sys.path[0] != str(tmp_path)
    assert sys.path[-1] == str(tmp_path)
    path.write_text("def get_s(*arguments):\n    import absent_neighbour\n")
    _, raised = attempt(load_implementation(str(path)).functions["get_s"])
    assert str(raised) == "raised ModuleNotFoundError: No module named 'absent_neighbour' (late.py line 2)"
