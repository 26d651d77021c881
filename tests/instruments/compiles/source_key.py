"""What a kernel's code depends on besides its arguments: its source, that of what it calls, and globals' values."""

import inspect
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import triton

_LIBRARIES = {*sys.stdlib_module_names, "triton", "torch", "numpy"}
"""Their versions stand for their source."""


@cache
def source_key(function: FunctionType) -> str:
    """Return a hash of all that decides a kernel's code but for its arguments.

    Globals that a kernel names are part of it by their text, so that one whose text holds an address is told as new in
    each process: compiled once too often, and never taken for another.

    Args:
        function: the kernel's Python function.
    """
    parts = [triton.__version__, sys.version]
    _add(function, parts, set())
    return sha256("\0".join(parts).encode()).hexdigest()


def _add(function: FunctionType, parts: list[str], seen: set[int]) -> None:
    if id(function) in seen:
        return
    seen.add(id(function))
    try:
        parts.append(inspect.getsource(function))
    except (OSError, TypeError):
        parts += [repr(function.__code__.co_code), repr(function.__code__.co_consts)]
    parts.append(repr((function.__defaults__, function.__kwdefaults__)))
    named = set(_names(function.__code__))
    closure = inspect.getclosurevars(function).nonlocals if function.__closure__ else {}
    known = {**function.__globals__, **closure}
    for name in sorted(named | set(closure)):
        if name in known:
            _add_value(name, known[name], named, parts, seen)


def _add_value(name: str, value: Any, named: set[str], parts: list[str], seen: set[int]) -> None:
    function = _function_under(value)
    if _is_library(value if function is None else function):
        parts.append(f"{name} of {getattr(value, '__module__', None) or getattr(value, '__name__', '')}")
    elif function is not None:
        parts.append(f"{name}: a function")
        _add(function, parts, seen)
    elif isinstance(value, ModuleType):
        for inner in sorted(named & vars(value).keys()):
            _add_value(f"{name}.{inner}", vars(value)[inner], named - {inner}, parts, seen)
    else:
        parts.append(f"{name} = {value!r}")


def _function_under(value: Any) -> FunctionType | None:
    """Return the Python function under decorators such as `triton.jit`, if there is one."""
    while value is not None and not isinstance(value, FunctionType):
        if isinstance(value, (ModuleType, type)):
            return None
        value = vars(value).get("fn", vars(value).get("__wrapped__")) if hasattr(value, "__dict__") else None
    return value


def _is_library(value: Any) -> bool:
    """Whether a module, class or function is a library's. Values of a library's classes are the user's."""
    if not isinstance(value, (ModuleType, type, FunctionType, BuiltinFunctionType)):
        return False
    module = value.__name__ if isinstance(value, ModuleType) else value.__module__
    return isinstance(module, str) and module.split(".")[0] in _LIBRARIES


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
