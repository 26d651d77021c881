"""Finding a kernel in a process that has not imported it."""

import ast
import builtins
import importlib
import importlib.util
import linecache
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import triton

from tests.calls.implementations import executed
from tests.instruments.cost.compiling import CannotCompile, find_kernel, undecorated
from tests.instruments.cost.variants import Variant

_loaded: dict[tuple[Path, int, int], ModuleType] = {}


class NotFound(Exception):
    """A kernel is not to be had in this process; the text says why."""


def found_kernel(variant: Variant, file: Path, def_line: int) -> triton.JITFunction:
    """Return a variant's kernel.

    Args:
        variant: names module and function.
        file: that of the function.
        def_line: line of its `def`.

    Raises:
        NotFound: with a sentence.
        Exception: what importing the module raises.
    """
    module = _module(variant.module, file)
    with suppress(CannotCompile):  # made inside a function: it is made again from its text
        kernel = find_kernel(variant.module, variant.name)
        if kernel.fn.__code__.co_filename == str(file):
            return kernel
    return _made_again(variant.name, module, file, def_line)


def _module(name: str, file: Path) -> ModuleType:
    """Import a module by its name where that leads to the file, else from the file."""
    about = file.stat()
    at = (file, about.st_mtime_ns, about.st_size)
    if at not in _loaded:
        linecache.checkcache(str(file))
        spec = importlib.util.find_spec(name) if name not in sys.modules else sys.modules[name].__spec__
        if spec is not None and spec.origin is not None and Path(spec.origin) == file:
            _loaded[at] = importlib.import_module(name)
        else:
            _loaded[at] = executed(name, file)
    sys.modules[name] = _loaded[at]
    return _loaded[at]


@cache
def _made_again(name: str, module: ModuleType, file: Path, def_line: int) -> triton.JITFunction:
    """Make a kernel that is defined inside a function, of the function's text alone."""
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.lineno == def_line:
            break
    else:
        raise NotFound(f"{name} is not in {file.name} line {def_line}")
    free = _free_names(node, module)
    if free:
        raise NotFound(f"{name} is made inside a function, and uses that function's {', '.join(sorted(free))}")
    given: dict[str, Any] = {}
    exec(compile(ast.Module([node], []), str(file), "exec"), vars(module), given)
    kernel = undecorated(given[node.name])
    assert kernel is not None
    return kernel


def _free_names(node: ast.FunctionDef, module: ModuleType) -> set[str]:
    bound = {argument.arg for argument in [*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs]}
    bound |= {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    used = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    return used - bound - vars(module).keys() - vars(builtins).keys()
