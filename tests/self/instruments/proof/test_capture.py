"""Which modules are the host's own code, whose functions are stood in for."""

import sys
from importlib.util import find_spec
from types import ModuleType

import pytest

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)

from tests.instruments.proof.capture import modules_of


def module(name: str, file: str, monkeypatch: pytest.MonkeyPatch, **holds: object) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(holds, __file__=file)
    monkeypatch.setitem(sys.modules, name, made)
    return made


def test_libraries_are_not_the_hosts_code_wherever_they_lie(monkeypatch):
    library = module("triton.odd_place", "/packages/triton/odd_place.py", monkeypatch)
    beside = module("beside_the_gather", "/mine/beside_the_gather.py", monkeypatch)

    def get_k() -> None: ...

    get_k.__module__ = "my_own_gather"
    gather = module("my_own_gather", "/mine/my_own_gather.py", monkeypatch, library=library, beside=beside)
    assert modules_of(get_k) == [gather, beside]
