"""Finding the implementation that a user names, and its three functions."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.calls.attempt import attempt
from tests.calls.errors import Foreseen
from tests.calls.neighbours import imported, taken_neighbour, told

FUNCTIONS = ("get_k_and_s", "get_k", "get_s")
NAMED = {
    "own": "kernels",
    "torch": "kernels.peers.torch_indexing",
    **{name: f"kernels.peers.installed:{name}" for name in ("sglang", "vllm", "tensorrt_llm", "flag_gems", "lightllm")},
}
"""Implementations that have a short name on the command line; `--impl list` says which are here."""
_MISSING = object()


class NoImplementation(Foreseen):
    """What the user named is not there, or is no gather."""


@dataclass(frozen=True)
class Implementation:
    """One to three gather functions that belong together."""

    name: str
    functions: Mapping[str, Callable[..., Any]]
    """By name, in the order of `FUNCTIONS`; an implementation may lack any."""
    takes_good_arguments: dict[str, bool] = field(default_factory=dict, compare=False)
    """By function, whether it returns on good arguments; filled in when that is first asked."""

    def fresh(self) -> "Implementation | None":
        """Return the same from its file anew, which knows of no earlier call; None where that cannot be had."""
        path = Path(self.name.partition(":")[0])
        if path.suffix != ".py" or not path.is_file():
            return None
        known = sys.modules.get(_module_name(path))
        try:
            return load_implementation(self.name)
        except NoImplementation:  # it cannot be had twice
            return None
        finally:
            if known is not None:
                sys.modules[_module_name(path)] = known


def load_implementation(spec: str) -> Implementation:
    """Return the implementation that a user names.

    Args:
        spec: a short name of `NAMED`, or a path that ends in `.py` or a `package.module`, each perhaps with `:name`.
            That is an object that holds the functions, a class of such objects, which is made without arguments, or
            one function, which is then taken as the one it is named after, or else as `get_k_and_s`.

    Raises:
        NoImplementation: with a sentence that says what was looked for.
    """
    target, _, attribute = NAMED.get(spec, spec).partition(":")
    found, raised = attempt(_from_file, Path(target)) if target.endswith(".py") else attempt(_from_module, target)
    if raised is not None:
        why = _taken(target, raised.error) or f"importing it failed: it {raised}"
        raise NoImplementation(f"--impl {spec}: {why}") from raised.error
    functions, raised = attempt(_functions_of, found, attribute, spec)
    if raised is not None and spec in NAMED and isinstance(raised.error, ImportError):
        raise NoImplementation(f"--impl {spec}: {raised.error}") from raised.error
    if raised is not None:
        raise NoImplementation(f"--impl {spec}: looking for its functions failed: it {raised}") from raised.error
    if not functions:
        raise NoImplementation(f"--impl {spec}: it has none of the functions {', '.join(FUNCTIONS)}")
    return Implementation(spec, functions)


def require_named(spec: str) -> None:
    """Check, without running any of it, that what a user names is there to be imported.

    Raises:
        NoImplementation: there is no such file, or no such module.
    """
    target = spec.partition(":")[0]
    if target.endswith(".py"):
        _require_file(Path(target))
        return
    package = NAMED.get(target, target).partition(".")[0]
    try:
        is_there = package in sys.modules or importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        is_there = False
    if not is_there:
        raise _no_module(target)


def _functions_of(found: Any, attribute: str, spec: str) -> dict[str, Callable[..., Any]]:
    if attribute:
        inner = getattr(found, attribute, _MISSING)
        if inner is _MISSING:
            raise NoImplementation(f"--impl {spec}: {spec.partition(':')[0]} has no {attribute!r}")
        found = inner
    if isinstance(found, type):
        found = _object_of(found, spec)
    functions = {name: getattr(found, name) for name in FUNCTIONS if callable(getattr(found, name, None))}
    if not functions and callable(found) and not isinstance(found, ModuleType):
        name = getattr(found, "__name__", "")
        functions = {name if name in FUNCTIONS else "get_k_and_s": found}
    return functions


def _taken(target: str, error: BaseException) -> str | None:
    """Return why an import failed, if it is because a neighbour's name is taken."""
    if not isinstance(error, ImportError) or not error.name:
        return None
    package = taken_neighbour(error.name, _folder(target))
    return told(error.name, package) if package else None


def _folder(target: str) -> Path:
    return Path(target).parent if target.endswith(".py") else Path.cwd()


def _object_of(kind: type, spec: str) -> Any:
    """Return an object of a class, whose methods would otherwise take the pool for the object itself."""
    made, raised = attempt(kind)
    if raised is not None:
        raise NoImplementation(
            f"--impl {spec}: {kind.__name__} is a class, and making an object of it without arguments failed: it "
            f"{raised}; expected one that needs none, or name an object of it"
        ) from raised.error
    return made


def _from_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            if package := taken_neighbour(name, Path.cwd()):
                raise NoImplementation(f"--impl {name}: {told(name, package)}") from error
            raise _no_module(name) from error
        raise


def _no_module(name: str) -> NoImplementation:
    short = ", ".join(NAMED)
    return NoImplementation(
        f"--impl {name}: there is no such module; expected one of {short}, PATH.py[:name], or package.module[:name]"
    )


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise NoImplementation(f"--impl {path}: there is no such file")


def _module_name(path: Path) -> str:
    return f"examined_{path.stem}"


def _from_file(path: Path) -> ModuleType:
    _require_file(path)
    for module_name in imported(path.read_bytes()):
        # Not only where it fails: the harness's own module of that name would be examined in its place.
        if package := taken_neighbour(module_name, path.parent):
            raise NoImplementation(f"--impl {path}: {told(module_name, package)}")
    return executed(_module_name(path), path)


def executed(name: str, path: Path) -> ModuleType:
    """Return the module that a file makes, under a name; its neighbours are importable, as they are for a script.

    Raises:
        BaseException: whatever the file raises.
    """
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Triton looks a kernel's module up by name.
    sys.modules[name] = module
    folder = str(path.parent.absolute())
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]  # half a module, which a later import would take for the whole
        raise
    finally:
        sys.path.remove(folder)
    # Its functions may import too, when they are called: behind all that others mean by a name.
    if folder not in sys.path:
        sys.path.append(folder)
    return module
