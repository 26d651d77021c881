"""An implementation's own neighbours whose names are taken here: `tests`, `kernels` and other packages of the harness.

Python would give the implementation the harness's package instead, without a word where that has the same names.
"""

import ast
from pathlib import Path

from tests import ROOT

TAKEN = frozenset(path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file())


def taken_neighbour(name: str, folder: Path) -> str | None:
    """Return the top-level package of a module if the harness has one of that name, and a folder another.

    Args:
        name: of a module, with dots.
        folder: where the implementation's neighbours lie.
    """
    package = name.partition(".")[0]
    if package not in TAKEN or folder.resolve().is_relative_to(ROOT):
        return None
    has_it = (folder / package).is_dir() or (folder / f"{package}.py").is_file()
    return package if has_it else None


def told(module: str, package: str) -> str:
    """Return why a module cannot be imported, in words."""
    return (
        f"{module} is imported, but `{package}` is a package of this harness, which goes before the one of that name "
        "beside it; give that one another name, or import it from within a package of yours"
    )


def imported(source: bytes) -> list[str]:
    """Return the names of the modules that a Python file imports from the top, anywhere in it.

    Raises:
        SyntaxError: it is not Python.
    """
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return names
