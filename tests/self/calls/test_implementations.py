"""Is what the user names found, and refused with a reason where it is no gather?"""

import pytest

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
