"""Other projects' gathers out of their installed files, without the rest of their projects.

Only the file that defines a function is executed. What it imports from its own package, or from packages that are not
installed, decides between vendors' code paths: it is answered here, as on NVIDIA GPUs and Triton's interpreter.
"""

import ast
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
import triton

from kernels.peers.foreign import Foreign
from kernels.peers.table import PEERS, SEVEN, Form, Function, Peer


@dataclass(frozen=True)
class Found:
    """A peer's form that is there."""

    form: Form
    files: Mapping[str, Path]
    """Where each of its functions is defined, by the contract's name."""


class Nothing:
    """What was imported and is not there: false, and whatever is asked of it is nothing too. As a decorator it leaves
    what it decorates as it is."""

    def __bool__(self) -> bool:
        return False

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return arguments[0] if len(arguments) == 1 and callable(arguments[0]) and not keywords else self

    def __getattr__(self, name: str) -> "Nothing":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        return ()


def __getattr__(name: str) -> SimpleNamespace:
    """Return a peer's functions in one object; see `gathers`."""
    if name not in PEERS:
        raise AttributeError(name)
    return SimpleNamespace(**gathers(name))


def gathers(name: str) -> dict[str, Callable[..., Any]]:
    """Return the functions of a peer, by the contract's names.

    Raises:
        ImportError: it is not installed, or has no form that is known; says which.
    """
    peer = PEERS[name]
    found = find(peer)
    modules = {path: _executed(peer, path) for path in dict.fromkeys(found.files.values())}
    return {of: _adapted(modules[found.files[of]], function) for of, function in found.form.functions.items()}


def find(peer: Peer) -> Found:
    """Return where a peer's functions are, without running any of it.

    Raises:
        ImportError: it is not installed, or has no form that is known.
    """
    folder = folder_of(peer)
    for form in peer.forms:
        files = {of: _file_of(folder, function.name, form.has) for of, function in form.functions.items()}
        if None not in files.values():
            return Found(form, {of: path for of, path in files.items() if path is not None})
    names = dict.fromkeys(function.name for form in peer.forms for function in form.functions.values())
    raise ImportError(f"{peer.package} {version_of(peer)} has no {' or '.join(names)} of a signature that is known")


def folder_of(peer: Peer) -> Path:
    """Return the folder of a peer's installed package.

    Raises:
        ImportError: it is not installed.
    """
    package = importlib.util.find_spec(peer.package)
    if package is None or not package.submodule_search_locations:
        raise ImportError(f"the package {peer.package} is not installed: {peer.install}")
    return Path(package.submodule_search_locations[0])


def version_of(peer: Peer) -> str:
    """Return a peer's version, as its package says it, or `of unknown version`."""
    folder = folder_of(peer)
    for distribution in importlib.metadata.distributions(path=[str(folder.parent)]):
        if re.sub(r"[-.]", "_", distribution.metadata["Name"] or "").lower() == peer.package:
            return distribution.version
    for file in ("version.py", "_version.py", "__init__.py"):
        path = folder / file
        told = re.search(r'^__version__ = version = "([^"]+)"|^__version__ = "([^"]+)"', _text(path), re.MULTILINE)
        if told:
            return told[1] or told[2]
    return "of unknown version"


def listing() -> list[str]:
    """Return a line for each peer: where its functions are, in which version, or why it cannot be examined."""
    lines = []
    for name, peer in PEERS.items():
        try:
            found = find(peer)
        except ImportError as error:
            lines.append(f"{name:13} not here: {error}")
            continue
        root = folder_of(peer).parent
        where = ", ".join(dict.fromkeys(str(path.relative_to(root)) for path in found.files.values()))
        note = f"; {peer.note}" if peer.note else ""
        lines.append(f"{name:13} {version_of(peer)}: {', '.join(found.files)} of {where}{note}")
    return lines


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _file_of(folder: Path, name: str, has: str) -> Path | None:
    """Return the file nearest to the package's top that defines a function with a parameter, if any does."""
    top = name.partition(".")[0]
    line = re.compile(rf"^(?:def|class) {top}\b".encode(), re.MULTILINE)
    for path in sorted(folder.rglob("*.py"), key=lambda path: (len(path.parts), str(path))):
        source = path.read_bytes()
        if line.search(source) and _defines(ast.parse(source), top, has):
            return path
    return None


def _defines(tree: ast.Module, name: str, has: str) -> bool:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return True
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return not has or has in [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
    return False


def _adapted(module: ModuleType, function: Function) -> Callable[..., Any]:
    found: Any = module
    for part in function.name.split("."):
        found = getattr(found, part)
    return found if function.arguments == SEVEN else Foreign(found, *function.arguments, **function.options)


def _executed(peer: Peer, path: Path) -> ModuleType:
    name = f"{__name__}_{peer.package}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Triton looks a kernel's module up by name
    with _answered_imports(peer):
        spec.loader.exec_module(module)
    return module


class _Answers(MetaPathFinder, Loader):
    """Answers imports of a package, and of all that nobody else finds."""

    def __init__(self, peer: Peer, is_first: bool) -> None:
        self._peer = peer
        self._is_first = is_first

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        is_own = name.partition(".")[0] == self._peer.package
        return ModuleSpec(name, self, is_package=True) if is_own or not self._is_first else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        names = {"torch": torch, "triton": triton, "SimpleNamespace": SimpleNamespace}
        answers = self._peer.answers.get(spec.name, {})
        vars(module).update({name: eval(expression, dict(names)) for name, expression in answers.items()})
        vars(module)["__getattr__"] = Nothing().__getattr__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to execute."""


@contextmanager
def _answered_imports(peer: Peer) -> Iterator[None]:
    before = dict(sys.modules)
    for name in [name for name in sys.modules if name.partition(".")[0] == peer.package]:
        del sys.modules[name]
    finders = _Answers(peer, is_first=True), _Answers(peer, is_first=False)
    sys.meta_path[:] = [finders[0], *sys.meta_path, finders[1]]
    try:
        yield
    finally:
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in finders]
        for name, module in list(sys.modules.items()):
            if isinstance(getattr(module, "__loader__", None), _Answers):
                del sys.modules[name]
        sys.modules.update({name: module for name, module in before.items() if name not in sys.modules})
