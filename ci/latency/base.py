"""The kernels of an earlier revision, loaded beside those of the working tree, in the same process.

Both sides then see the same clocks, the same memory and the same compiler, so that what differs is the code.
"""

import ast
import importlib
import io
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tests import ROOT
from tests.calls import files
from tests.calls.errors import Foreseen, short
from tests.calls.implementations import FUNCTIONS, Implementation

PACKAGE = "kernels"
"""The package that is compared: everything that the project's own gathers are made of."""

_importing = threading.RLock()


class NoBase(Foreseen):
    """The base's kernels cannot be had."""


@dataclass(frozen=True)
class Revision:
    """A commit, as far as its kernels go."""

    name: str
    """As the user wrote it, such as `HEAD~1`."""
    commit: str
    """Its full hash."""
    tree: str
    """Hash of its `kernels/`: equal hashes, equal files."""
    root: Path
    """The project's folder in the checkout."""

    def __str__(self) -> str:
        short = self.commit[:10]
        return short if self.commit.startswith(self.name) else f"{self.name} ({short})"


def resolve(name: str, root: Path = ROOT) -> Revision:
    """Return the revision that a user names.

    Args:
        name: anything that git takes for a commit.
        root: the project's folder, in a git checkout.

    Raises:
        NoBase: there is no git, no checkout, no such revision, or it has no `kernels/`.
    """
    if not name or name.startswith("-"):
        raise NoBase(f"--base {name!r}: expected a git revision, such as HEAD~1 or origin/main")
    inside = _git(root, "rev-parse", "--is-inside-work-tree")
    if inside.returncode:
        raise NoBase(f"--base {name}: {root} is no git checkout: {_last_line(inside.stderr)}")
    commit = _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if commit.returncode:
        if _git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
            raise NoBase(
                f"--base {name}: this shallow clone has no such revision; get the history with "
                "`git fetch --unshallow` (in a workflow: `fetch-depth: 0`)"
            )
        raise NoBase(f"--base {name}: there is no such revision in this checkout")
    sha = commit.stdout.decode().strip()
    # With "./", git looks below this folder: the project may be a part of a larger repository.
    tree = _git(root, "rev-parse", "--verify", "--quiet", f"{sha}:./{PACKAGE}")
    if tree.returncode:
        raise NoBase(f"--base {name}: revision {sha[:10]} has no {PACKAGE}/")
    return Revision(name, sha, tree.stdout.decode().strip(), root)


def extract(revision: Revision, cache: Path | None = None) -> Path:
    """Return a folder that holds `kernels/` as it is in a revision.

    The folder stays: Triton reads a kernel's source when it compiles it.

    Args:
        revision: which.
        cache: where such folders lie, one a tree; `.gate/base` below the project unless given.

    Raises:
        NoBase: git cannot give the files, or they cannot be written.
    """
    archive = _git(revision.root, "archive", "--format=tar", revision.commit, PACKAGE)
    if archive.returncode:
        raise NoBase(f"--base {revision.name}: git cannot archive {PACKAGE}/: {_last_line(archive.stderr)}")
    folder = _writable(cache or revision.root / ".gate" / "base") / revision.tree
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                _write_if_changed(folder / member.name, content.read())
            elif not member.isdir():
                raise NoBase(f"--base {revision.name}: {member.name} is no plain file, so it cannot be a base's")
    return folder


def load_folder(folder: Path, name: str) -> Implementation:
    """Return the gathers of `folder/kernels`, as modules of their own.

    Args:
        folder: holds a package `kernels`, whose files import each other as `kernels.…`.
        name: of the implementation, in errors and reports.

    Raises:
        NoBase: importing it fails, it has none of the functions, or it imports `kernels` within a function: that
            import would be answered, later, by whatever is `kernels` then.
    """
    with _alone(folder):
        try:
            package = importlib.import_module(PACKAGE)
        except Exception as error:
            raise NoBase(f"{name}: importing its {PACKAGE} failed: {short(error)}") from error
        modules = {key: module for key, module in sys.modules.items() if _is_ours(key)}
    for module in modules.values():
        _refuse_late_imports(module, name)
    functions = {function: getattr(package, function) for function in FUNCTIONS if hasattr(package, function)}
    if not functions:
        raise NoBase(f"{name}: its {PACKAGE} has none of the functions {', '.join(FUNCTIONS)}")
    return Implementation(name, functions)


def changed_files(base: Path, head: Path) -> tuple[list[str], bool]:
    """Return the files below `kernels/` that two folders do not have alike, and whether Python runs the same of both.

    It does if they differ in comments, docstrings, layout and prose only.

    Args:
        base: a folder that holds `kernels/`, such as `extract` gives.
        head: another, such as the project's.
    """
    ours, theirs = _files(base / PACKAGE), _files(head / PACKAGE)
    names = sorted(ours.keys() | theirs.keys())
    changed = [f"{PACKAGE}/{name}" for name in names if ours.get(name) != theirs.get(name)]
    try:
        return changed, _code(ours) == _code(theirs)
    except SyntaxError:  # importing it says more
        return changed, False


def _code(files: dict[str, bytes]) -> dict[str, str | bytes]:
    """Return what counts of each file; a file that is neither code nor prose may be read by code."""
    kept = {name: content for name, content in files.items() if not name.endswith(".md")}
    return {name: _run_by_python(content) if name.endswith(".py") else content for name, content in kept.items()}


def _run_by_python(text: bytes) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            node.body[0] = ast.Pass()
    return ast.dump(tree)


def checked_out(root: Path = ROOT) -> str | None:
    """Return the commit that is checked out, with `-dirty` if files are new or differ; None outside of git."""
    try:
        head, status = _git(root, "rev-parse", "--verify", "HEAD"), _git(root, "status", "--porcelain")
    except NoBase:
        return None
    if head.returncode or status.returncode:
        return None
    return head.stdout.decode().strip() + "-dirty" * bool(status.stdout.strip())


def branch(root: Path = ROOT) -> str | None:
    """Return the branch that is checked out; None outside of git, or where none is."""
    try:
        told = _git(root, "rev-parse", "--abbrev-ref", "HEAD")
    except NoBase:
        return None
    name = told.stdout.decode(errors="replace").strip()
    return None if told.returncode or name == "HEAD" else name


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Have `import kernels` find the package in a folder, and forget it afterwards."""
    with _importing:
        before = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_ours(name)}
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path.remove(str(folder))
            for name in [name for name in sys.modules if _is_ours(name)]:
                del sys.modules[name]
            sys.modules.update(before)
            importlib.invalidate_caches()


def _is_ours(module: str) -> bool:
    return module == PACKAGE or module.startswith(f"{PACKAGE}.")


def _refuse_late_imports(module: ModuleType, name: str) -> None:
    path = Path(module.__file__ or "")
    tree = ast.parse(path.read_bytes())
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        for node in ast.walk(function):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                imported = [PACKAGE if node.level else node.module or ""]
            if any(_is_ours(target) for target in imported):
                line = getattr(node, "lineno", 0)
                raise NoBase(f"{name}: {path.name} imports {PACKAGE} within a function, in line {line}: move it out")


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise NoBase("--base: git is not installed") from error


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "git says nothing"


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # the project may lie where nobody may write
        return Path(tempfile.mkdtemp(prefix="gate-base-"))
    return folder


def _write_if_changed(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: another run may read it."""
    try:
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(path, content)
    except OSError as error:
        raise NoBase(f"--base: cannot write {path}: {error.strerror or error}") from error


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
