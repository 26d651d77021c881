"""Set-up: find or make a Python that has the project's dependencies. Needs the standard library only.

A Python that has all of them is used as it is. Otherwise the project's own `.venv` is, and is made where it
is missing; nothing is ever installed anywhere else.
"""

import fcntl
import hashlib
import importlib
import importlib.util
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from ci.setup.extras import Extra
from tests.calls.errors import Foreseen

UNFINISHED = "unfinished\n"
"""What the stamp of a `.venv` holds while it is being made."""


class SetUpFailed(Foreseen):
    """There is no Python with what is needed, and none could be made."""


@dataclass(frozen=True)
class Project:
    """What is installed for the project, and where."""

    root: Path
    dependencies: Sequence[str]
    optional: dict[str, list[str]]
    """Requirements of extras, by their names."""
    constraints: str
    """The text of `constraints.txt`."""

    @classmethod
    def read(cls, root: Path) -> "Project":
        """Read a project's dependencies.

        Raises:
            SetUpFailed: `pyproject.toml` or `constraints.txt` cannot be read.
        """
        try:
            described = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            constraints = (root / "constraints.txt").read_text(encoding="utf-8")
        except (OSError, ValueError, KeyError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise SetUpFailed(f"cannot read the dependencies of {root}: {reason}") from error
        return cls(root, described["dependencies"], described.get("optional-dependencies", {}), constraints)

    @property
    def venv(self) -> Path:
        """The project's own environment."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The Python of the project's own environment."""
        return self.venv / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """The file that says what the environment was made for."""
        return self.venv / "made-for"

    def stamp_for(self, version: str) -> str:
        """Return the stamp of a finished environment of this Python version, such as `3.11`."""
        parts = (*self.dependencies, self.constraints, version)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest() + "\n"


def lacking(requirements: Sequence[str], installed: Callable[[str], str | None]) -> list[str]:
    """Return the requirements that are not met, in their order.

    A vendor's `2.9.0a0+5228986c39` counts as the 2.9.0 that it is a build of.

    Args:
        requirements: such as `torch>=2.9` or `numpy>=2.0,<3`.
        installed: returns the version of a package, or None where it is not installed.

    Raises:
        ValueError: a requirement or a version is written in a way that is not understood.
    """
    try:
        from packaging.requirements import Requirement
        from packaging.version import Version
    except ImportError:  # pytest, which is required, brings it
        return list(requirements)

    def is_met(requirement: Requirement) -> bool:
        version = installed(requirement.name)
        return version is not None and requirement.specifier.contains(Version(version).base_version)

    return [text for text in requirements if not is_met(Requirement(text))]


def installed_version(name: str) -> str | None:
    """Return the version of a package of this Python, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _importable(package: str) -> bool:
    importlib.invalidate_caches()
    return importlib.util.find_spec(package) is not None


def _run(command: Sequence[str]) -> int:
    """Run a command with its output on stderr, and return its exit status."""
    return subprocess.run(command, stdout=sys.stderr, check=False).returncode


def _answer(command: Sequence[str]) -> str | None:
    """Return what a command prints, or None where it does not start or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _say(sentence: str) -> None:
    print(f"set-up: {sentence}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Python:
    """The Python that runs and what it can do; tests put fakes here."""

    executable: Path = field(default_factory=lambda: Path(sys.executable))
    prefix: Path = field(default_factory=lambda: Path(sys.prefix))
    version: str = f"{sys.version_info.major}.{sys.version_info.minor}"
    installed: Callable[[str], str | None] = installed_version
    importable: Callable[[str], bool] = _importable
    run: Callable[[Sequence[str]], int] = _run
    answer: Callable[[Sequence[str]], str | None] = _answer
    say: Callable[[str], None] = _say


def prepare(project: Project, extras: Sequence[Extra] = (), python: Python | None = None) -> Path:
    """Return the Python to go on with; that is the running one where it has all that is needed.

    Args:
        project: what is needed.
        extras: what is needed, or of use, besides.
        python: the running one, unless a test says otherwise.

    Raises:
        SetUpFailed: something is missing and cannot be had.
    """
    python = python or Python()
    inside = python.prefix.resolve() == project.venv.resolve()
    try:
        missing = lacking(project.dependencies, python.installed)
        if missing and not inside:
            with _one_at_a_time(project):
                return _own_python(project, python, missing)
        if missing:
            _install(project, python, missing)
        for extra in extras:
            _add(project, python, extra, inside)
    except (OSError, ValueError) as error:
        raise SetUpFailed(f"the set-up failed: {error}") from error
    return python.executable


def _own_python(project: Project, python: Python, missing: Sequence[str]) -> Path:
    """Return the Python of a finished `.venv`."""
    stamp = project.stamp.read_text(encoding="utf-8") if project.stamp.is_file() else None
    starts = _starts(project, python)
    if starts and stamp == project.stamp_for(python.version):
        return project.python
    began = time.monotonic()
    # Without a stamp, someone else made it, so it is not ours to throw away.
    is_kept = starts and stamp is None
    python.say(f"{python.executable} lacks {', '.join(missing)}")
    python.say(f"{'completing' if is_kept else 'making'} {project.venv}; this takes minutes, but only once")
    if not is_kept:
        _build(project, python)
    _install(project, python, project.dependencies)
    python.say(f"done in {time.monotonic() - began:.0f} s")
    return project.python


def _starts(project: Project, python: Python) -> bool:
    if not project.python.exists():
        return False
    question = "import sys; print(sys.prefix, '%d.%d' % sys.version_info[:2], sep='\\n')"
    lines = (python.answer([str(project.python), "-c", question]) or "").splitlines()
    if len(lines) != 2:
        return False
    prefix, version = lines
    return Path(prefix).resolve() == project.venv.resolve() and version == python.version


def _build(project: Project, python: Python) -> None:
    if project.venv.is_dir() and not project.venv.is_symlink():
        shutil.rmtree(project.venv)
    else:
        project.venv.unlink(missing_ok=True)
    project.venv.mkdir()
    project.stamp.write_text(UNFINISHED, encoding="utf-8")
    if python.run([str(python.executable), "-m", "venv", str(project.venv)]):
        raise SetUpFailed(
            f"{python.executable} -m venv failed (see above): install Python's venv module, or start this "
            f"command with a Python that has {', '.join(project.dependencies)}"
        )


def _install(project: Project, python: Python, requirements: Sequence[str]) -> None:
    """Install into the `.venv`, and stamp it."""
    if _pip(project, python, "--constraint", str(project.root / "constraints.txt"), *requirements):
        raise SetUpFailed(
            f"pip could not install {', '.join(requirements)} (see above); without a network, start this "
            "command with a Python that has them"
        )
    project.stamp.write_text(project.stamp_for(python.version), encoding="utf-8")


def _pip(project: Project, python: Python, *arguments: str) -> int:
    quiet = ("--no-input", "--disable-pip-version-check")
    return python.run([str(project.python), "-m", "pip", "install", *quiet, *arguments])


def _add(project: Project, python: Python, extra: Extra, inside: bool) -> None:
    """Install an extra that is missing into the `.venv`, and nowhere else."""
    if all(map(python.importable, extra.packages)):
        return
    wanted = project.optional[extra.name]
    alone = ["--no-deps"] if extra.is_alone else ["--constraint", str(project.root / "constraints.txt")]
    if inside:
        python.say(f"installing {' '.join(wanted)} into {project.venv}")
        # Without a network, what a job can do without must not keep it waiting.
        patience = [] if extra.is_required else ["--retries", "0", "--timeout", "10"]
        if not _pip(project, python, *patience, *alone, *wanted) and all(map(python.importable, extra.packages)):
            return
        why = f"pip could not install {' '.join(wanted)} (see above)"
    else:
        command = shlex.join([str(python.executable), "-m", "pip", "install", *alone, *wanted])
        why = f"this Python lacks {' '.join(wanted)}; run: {command}"
    if extra.is_required:
        raise SetUpFailed(f"{extra.asked_by}: {why}")
    python.say(f"going on without what {extra.asked_by} needs: {why}")


@contextmanager
def _one_at_a_time(project: Project) -> Iterator[None]:
    """Have other processes that set the project up wait for this one."""
    folder = project.root / ".gate"
    folder.mkdir(exist_ok=True)
    with (folder / "set-up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
