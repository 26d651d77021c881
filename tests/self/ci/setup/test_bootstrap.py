"""Set-up of the two commands: which Python they go on with, what is installed where, and how it fails."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ci.setup import start
from ci.setup.bootstrap import UNFINISHED, Project, Python, SetUpFailed, installed_version, lacking, prepare
from ci.setup.extras import DEVELOPMENT, NVML, SGLANG
from tests import ROOT
from tests.self import commands

PYPROJECT = """
[project]
dependencies = ["torch>=2.9", "rich>=13.7"]
[project.optional-dependencies]
sglang = ["sglang==0.5.23"]
latency = ["nvidia-ml-py>=12"]
"""
ALL = {"torch": "2.13.0+cpu", "rich": "15.0.0"}


@pytest.mark.parametrize(
    ("requirement", "version", "met"),
    [
        ("torch>=2.9", "2.13.0+cpu", True),
        ("torch>=2.9", "2.8.1", False),
        ("torch>=2.9", "2.9.0a0+5228986c39", True),
        ("torch>=2.9", None, False),
        ("torch >= 2.9, < 3", "2.10", True),
        ("torch>=2.9,<3", "3.0.0", False),
        ("sglang==0.5.23", "0.5.23", True),
        ("sglang==0.5.23", "0.5.2", False),
        ("sglang==0.5", "0.5.0", True),
        ("torch~=2.9", "2.10", True),
        ("torch~=2.9", "3.0", False),
        ("rich", "1", True),
        ("rich", None, False),
    ],
)
def test_requirement(requirement, version, met):
    assert lacking([requirement], lambda name: version) == ([] if met else [requirement])


@pytest.mark.parametrize("requirement", [">=2", "torch>=x", "torch 2"])
def test_requirement_that_is_not_understood_is_refused_by_name(requirement):
    with pytest.raises(ValueError, match=re.escape(requirement)):
        lacking([requirement], lambda name: "1")


def test_a_python_without_what_reads_requirements_lacks_them_all(monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    assert lacking(["torch>=2.9", "rich"], lambda name: "99") == ["torch>=2.9", "rich"]


def test_the_projects_own_dependencies_are_met_here():
    described = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert lacking(described["dependencies"], installed_version) == []


@pytest.mark.parametrize("extra", [DEVELOPMENT, NVML, SGLANG], ids=lambda extra: extra.name)
def test_what_only_one_job_needs_can_be_installed(extra):
    assert Project.read(ROOT).optional[extra.name]


def test_constraints_pin_every_dependency_within_its_range():
    described = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    pins = {name.lower().replace("_", "-"): version for name, version in (line.split("==") for line in lines)}
    extras = described["optional-dependencies"]
    assert lacking(described["dependencies"] + extras["dev"] + extras["latency"], pins.get) == []


class FakePython:
    """A Python without network or processes: `venv` makes a file, `pip` notes what it would install."""

    def __init__(self, project: Project, installed: dict[str, str], inside: bool = False) -> None:
        self.project = project
        self.installed = dict(installed)
        self.ran: list[Sequence[str]] = []
        self.said: list[str] = []
        self.failing: Callable[[Sequence[str]], bool] = lambda command: False
        self.answer_version = "3.11"
        self.python = Python(
            executable=project.python if inside else Path("/usr/bin/python3"),
            prefix=project.venv if inside else Path("/usr"),
            version="3.11",
            installed=lambda name: self.installed.get(name),
            importable=lambda package: package in self.installed,
            run=self.run,
            answer=self.answer,
            say=self.said.append,
        )

    def run(self, command: Sequence[str]) -> int:
        self.ran.append(command)
        if self.failing(command):
            return 1
        if "venv" in command:
            self.project.python.parent.mkdir(parents=True)
            self.project.python.touch()
        elif "--no-deps" in command:
            self.installed["sglang"] = "0.5.23"
        else:
            self.installed.update(ALL)
        return 0

    def answer(self, command: Sequence[str]) -> str | None:
        return f"{self.project.venv}\n{self.answer_version}"

    @property
    def steps(self) -> list[str]:
        return ["venv" if "venv" in command else "pip" for command in self.ran]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "constraints.txt").write_text("torch==2.13.0\n")
    return Project.read(tmp_path)


def finished_venv(project: Project, stamp: str | None = None) -> None:
    project.python.parent.mkdir(parents=True)
    project.python.touch()
    project.stamp.write_text(stamp or project.stamp_for("3.11"))


def test_python_that_has_everything_is_used_and_nothing_is_made(project):
    fake = FakePython(project, ALL)
    assert prepare(project, python=fake.python) == Path("/usr/bin/python3")
    assert (fake.ran, fake.said, project.venv.exists()) == ([], [], False)


def test_environment_is_made_once(project):
    fake = FakePython(project, {"torch": "2.13.0"})
    assert prepare(project, python=fake.python) == project.python
    assert fake.steps == ["venv", "pip"]
    pip = fake.ran[1]
    assert pip[0] == str(project.python)
    assert pip[-4:] == ["--constraint", str(project.root / "constraints.txt"), "torch>=2.9", "rich>=13.7"]
    assert any("lacks rich>=13.7" in sentence for sentence in fake.said)

    again = FakePython(project, {"torch": "2.13.0"})
    assert prepare(project, python=again.python) == project.python
    assert (again.ran, again.said) == ([], [])


@pytest.mark.parametrize("changed", ["dependencies", "constraints", "version"])
def test_environment_for_other_dependencies_is_made_anew(project, changed):
    finished_venv(project)
    left_over = project.venv / "left-over"
    left_over.touch()
    fake = FakePython(project, {})
    if changed == "version":
        fake.answer_version = "3.10"
    else:
        name, text = {"dependencies": ("pyproject.toml", PYPROJECT.replace("2.9", "2.10"))}.get(
            changed, ("constraints.txt", "torch==2.14.0\n")
        )
        (project.root / name).write_text(text)
    prepare(Project.read(project.root), python=fake.python)
    assert fake.steps == ["venv", "pip"]
    assert not left_over.exists()


@pytest.mark.parametrize("broken", ["half made", "no Python", "a file", "a dangling link"])
def test_broken_environment_is_made_anew(project, broken):
    if broken == "half made":
        finished_venv(project, UNFINISHED)
    elif broken == "no Python":
        project.venv.mkdir()
        (project.venv / "left-over").touch()
    elif broken == "a file":
        project.venv.touch()
    else:
        project.venv.symlink_to(project.root / "gone")
    fake = FakePython(project, {})
    assert prepare(project, python=fake.python) == project.python
    assert fake.steps == ["venv", "pip"]
    assert project.stamp.read_text() == project.stamp_for("3.11")


def test_environment_that_someone_else_made_is_completed_and_not_thrown_away(project):
    finished_venv(project)
    project.stamp.unlink()
    theirs = project.venv / "theirs"
    theirs.touch()
    fake = FakePython(project, {})
    prepare(project, python=fake.python)
    assert fake.steps == ["pip"]
    assert theirs.exists()


def test_running_environment_gets_what_it_lacks_in_place(project):
    finished_venv(project, "of other dependencies")
    fake = FakePython(project, {"torch": "2.13.0"}, inside=True)
    assert prepare(project, python=fake.python) == project.python
    assert fake.steps == ["pip"]
    assert fake.ran[0][-1] == "rich>=13.7"


@pytest.mark.parametrize(
    ("failing", "named"), [("venv", "-m venv failed"), ("pip", "pip could not install torch>=2.9")]
)
def test_failure_is_a_sentence_and_the_next_start_tries_again(project, failing, named):
    fake = FakePython(project, {})
    fake.failing = lambda command: failing in command
    with pytest.raises(SetUpFailed, match=named):
        prepare(project, python=fake.python)
    assert project.stamp.read_text() == UNFINISHED
    again = FakePython(project, {})
    prepare(project, python=again.python)
    assert again.steps == ["venv", "pip"]


def test_optional_package_is_installed_into_the_own_environment_without_its_dependencies(project):
    finished_venv(project)
    fake = FakePython(project, ALL, inside=True)
    prepare(project, [SGLANG], fake.python)
    assert [command[-2:] for command in fake.ran] == [["--no-deps", "sglang==0.5.23"]]
    prepare(project, [SGLANG], fake.python)
    assert len(fake.ran) == 1


def test_optional_package_is_never_installed_elsewhere(project):
    fake = FakePython(project, ALL)
    with pytest.raises(SetUpFailed, match=r"/usr/bin/python3 -m pip install --no-deps sglang==0\.5\.23"):
        prepare(project, [SGLANG], fake.python)
    assert fake.ran == []


def test_what_a_job_can_do_without_is_installed_where_that_can_be_done(project):
    finished_venv(project)
    fake = FakePython(project, ALL, inside=True)
    fake.failing = lambda command: True
    assert prepare(project, [NVML], fake.python) == project.python
    constraints = str(project.root / "constraints.txt")
    assert fake.ran[0][-7:] == ["--retries", "0", "--timeout", "10", "--constraint", constraints, "nvidia-ml-py>=12"]
    assert fake.said[-1].startswith("going on without what the state of the GPU needs: pip could not install")


def test_what_a_job_can_do_without_is_never_installed_elsewhere(project):
    fake = FakePython(project, ALL)
    assert prepare(project, [NVML], fake.python) == Path("/usr/bin/python3")
    assert fake.ran == []
    assert "this Python lacks nvidia-ml-py>=12" in fake.said[-1]


def test_project_that_cannot_be_read_is_a_sentence(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[project")
    with pytest.raises(SetUpFailed, match="cannot read the dependencies"):
        Project.read(tmp_path)


def test_real_environment_is_recognised_by_its_own_python(project):
    """The question that the set-up asks of a Python, put to a real one."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project.venv], check=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    project.stamp.write_text(project.stamp_for(version))
    ran: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> int:
        ran.append(command)
        return 1

    python = Python(installed=lambda name: None, run=run, say=lambda sentence: None)
    assert prepare(project, python=python) == project.python
    assert ran == []

    (project.venv / "pyvenv.cfg").unlink()  # its Python now takes itself for another one
    with pytest.raises(SetUpFailed, match="venv failed"):
        prepare(project, python=python)
    assert "venv" in ran[0]


def test_commands_need_only_the_standard_library_to_start():
    code = "import sys, ci.setup.start; print(*sorted(name.partition('.')[0] for name in sys.modules))"
    # -S: without the folder where packages are installed
    foreign = set(commands.python("-S", "-c", code).stdout.split()) - set(sys.stdlib_module_names)
    assert foreign - {"__main__"} == {"ci", "reference", "tests"}


@pytest.mark.parametrize(("given", "more"), [([], ["--quick"]), (["-x"], ["--quick", "-x"]), (["--long"], ["--long"])])
def test_heavy_cases_are_left_out_where_long_tests_are(given, more, monkeypatch):
    ran = []
    monkeypatch.setattr(start.bootstrap, "prepare", lambda project, extras: Path(sys.executable))
    monkeypatch.setattr(start.os, "execv", lambda path, words: ran.append(words))
    start.start_tests(["./ci/test", *given])
    assert ran == [[sys.executable, "-m", "pytest", "-o", "testpaths=tests", *more]]
