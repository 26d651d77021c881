"""The base's kernels: found by git, extracted, and loaded beside those of the working tree."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ci.latency.base import NoBase, changed_files, checked_out, extract, load_folder, resolve
from tests import ROOT
from tests.calls.implementations import Implementation, load_implementation
from tests.cases.case import Case
from tests.contract import Contract
from tests.examine.examination import examine

OFFSET = "import triton.language as tl\n\nOFFSET = tl.constexpr({value})\n"
GATHER = """
import torch
import triton
import triton.language as tl

from kernels.offset import OFFSET


@triton.jit
def _add(buf_ptr, k_ptr, COUNT: tl.constexpr):
    index = tl.arange(0, COUNT)
    tl.store(k_ptr + index, tl.load(buf_ptr + index) + OFFSET)


def get_k(buf, *others):
    k = torch.empty_like(buf)
    _add[(1,)](buf, k, 16)
    return k
"""


class Checkout:
    """A git checkout in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, **files: str) -> None:
        """Write files of `kernels/` and commit everything."""
        for name, content in files.items():
            path = self.folder / "kernels" / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a step")


@pytest.fixture
def checkout(tmp_path):
    checkout = Checkout(tmp_path / "checkout")
    package = "from kernels.gather import get_k\n"
    checkout.commit(__init__=package, gather=GATHER, offset=OFFSET.format(value=1))
    checkout.commit(offset=OFFSET.format(value=3))
    return checkout


def _loaded(revision: str, folder: Path) -> Implementation:
    return load_folder(extract(resolve(revision, folder)), f"base {revision}")


def _called(implementation: Implementation) -> list[int]:
    return implementation.functions["get_k"](torch.arange(16, dtype=torch.uint8)).tolist()


def test_two_revisions_live_side_by_side_each_with_its_own_code(checkout):
    load_implementation("own")
    of_head = sys.modules["kernels"], sys.modules["kernels.gather"]
    one, three = (_loaded(name, checkout.folder) for name in ("HEAD~1", "HEAD"))
    assert _called(three) == [i + 3 for i in range(16)]
    assert _called(one) == [i + 1 for i in range(16)]
    assert _called(three) == [i + 3 for i in range(16)]
    assert (sys.modules["kernels"], sys.modules["kernels.gather"]) == of_head
    kernels = [side.functions["get_k"].__globals__["_add"] for side in (one, three)]
    assert kernels[0] is not kernels[1]
    assert all(str(checkout.folder) not in path for path in sys.path)


def test_the_projects_own_gathers_work_as_base_and_as_head(tmp_path):
    shutil.copytree(ROOT / "kernels", tmp_path / "there" / "kernels")
    base, head = load_folder(tmp_path / "there", "base"), load_implementation("own")
    assert list(base.functions) == list(head.functions) == ["get_k_and_s", "get_k", "get_s"]
    assert base.functions["get_k"] is not head.functions["get_k"]
    case = Case(name="some", rules=(1,), seq_lens=(70, 0, 65, 1), family="base")
    for side in (base, head, base):
        assert examine(side, case, contract=Contract.SAFE, device=torch.device("cpu")).is_clean


def test_a_part_of_a_larger_repository_is_a_project_too(tmp_path):
    whole = Checkout(tmp_path / "whole")
    part = whole.folder / "parts" / "gather"
    (part / "kernels").mkdir(parents=True)
    (part / "kernels" / "__init__.py").write_text("def get_k(*arguments): return 7\n")
    whole.commit()
    assert _loaded("HEAD", part).functions["get_k"]() == 7


def test_a_second_extraction_mends_a_file_that_was_changed(checkout):
    revision = resolve("HEAD", checkout.folder)
    file = extract(revision) / "kernels" / "offset.py"
    file.write_text("torn")
    extract(revision)
    assert file.read_text() == OFFSET.format(value=3)
    assert file.is_relative_to(checkout.folder / ".gate" / "base" / revision.tree)


def test_trees_that_are_alike_are_extracted_once(checkout):
    (checkout.folder / "README").write_text("more")
    checkout.commit()
    newer, older = (extract(resolve(name, checkout.folder)) for name in ("HEAD", "HEAD~1"))
    assert newer == older
    assert changed_files(older, checkout.folder) == ([], True)


def test_changed_files_are_named(checkout):
    (checkout.folder / "kernels" / "gather.py").write_text(GATHER + "\n# a comment\n")
    (checkout.folder / "kernels" / "new.py").write_text("")
    (checkout.folder / "kernels" / "__pycache__").mkdir()
    (checkout.folder / "kernels" / "__pycache__" / "new.pyc").write_text("")
    base = extract(resolve("HEAD~1", checkout.folder))
    files = ["kernels/gather.py", "kernels/new.py", "kernels/offset.py"]
    assert changed_files(base, checkout.folder) == (files, False)


CODE = '''"""What a module is for."""

TILE = 64  # tokens


def tiles(tokens):
    """How many tiles."""
    return -(-tokens // TILE)
'''


@pytest.mark.parametrize(
    ("head", "is_same"),
    [
        (CODE, True),
        (CODE + "# a comment\n", True),
        (
            CODE.replace("# tokens", "").replace("How many tiles", "Tiles").replace("return -(-", "\n    return -(-"),
            True,
        ),
        (CODE.replace("64", "32"), False),
        (CODE.replace("-(-tokens // TILE)", "tokens // TILE"), False),
        (CODE.replace('    """How many tiles."""\n', '    "".join("")\n'), False),
        (CODE + "def", False),
    ],
    ids=["itself", "comment", "words and layout", "constant", "expression", "a string that is used", "no Python"],
)
def test_only_what_python_runs_is_code(tmp_path, head, is_same):
    for folder, text in (("base", CODE), ("head", head)):
        (tmp_path / folder / "kernels").mkdir(parents=True)
        (tmp_path / folder / "kernels" / "plan.py").write_text(text)
        (tmp_path / folder / "kernels" / "NOTES.md").write_text(folder)
    assert changed_files(tmp_path / "base", tmp_path / "head")[1] is is_same


@pytest.mark.parametrize("name", ["new.py", "tiles.json"])
def test_a_further_file_is_other_code(tmp_path, name):
    for folder in ("base", "head"):
        (tmp_path / folder / "kernels").mkdir(parents=True)
    (tmp_path / "head" / "kernels" / name).write_text("")
    assert changed_files(tmp_path / "base", tmp_path / "head") == ([f"kernels/{name}"], False)


def test_what_is_checked_out(checkout, tmp_path):
    commit = checkout.git("rev-parse", "HEAD")
    (checkout.folder / ".gitignore").write_text(".gate/\n")
    checkout.commit()
    clean = checked_out(checkout.folder)
    assert clean == checkout.git("rev-parse", "HEAD") != commit
    (checkout.folder / "kernels" / "new.py").write_text("")
    assert checked_out(checkout.folder) == f"{clean}-dirty"
    outside = tmp_path / "outside"
    outside.mkdir()
    assert checked_out(outside) is None


class TestNoBase:
    """Each with a sentence that says what is wrong."""

    def test_no_git_checkout(self, tmp_path):
        with pytest.raises(NoBase, match=r"--base HEAD: .* is no git checkout: .*not a git repository"):
            resolve("HEAD", tmp_path)

    def test_no_such_revision(self, checkout):
        with pytest.raises(NoBase, match=r"--base HEAD~7: there is no such revision in this checkout"):
            resolve("HEAD~7", checkout.folder)

    @pytest.mark.parametrize("name", ["", "--all", "-n"])
    def test_no_revision_at_all(self, checkout, name):
        with pytest.raises(NoBase, match="expected a git revision"):
            resolve(name, checkout.folder)

    def test_shallow_clone(self, checkout, tmp_path):
        subprocess.run(
            ["git", "clone", "--quiet", "--depth=1", checkout.folder.as_uri(), str(tmp_path / "shallow")],
            check=True,
            capture_output=True,
        )
        with pytest.raises(NoBase, match=r"--base HEAD~1: this shallow clone .* --unshallow"):
            resolve("HEAD~1", tmp_path / "shallow")

    def test_revision_without_kernels(self, checkout):
        checkout.git("rm", "-r", "--quiet", "kernels")
        checkout.commit()
        with pytest.raises(NoBase, match=r"--base HEAD: revision [0-9a-f]{10} has no kernels/"):
            resolve("HEAD", checkout.folder)

    def test_import_fails(self, checkout):
        checkout.commit(offset="raise RuntimeError('no offset today')")
        load_implementation("own")
        before = sys.modules["kernels"]
        with pytest.raises(NoBase, match=r"importing its kernels failed: RuntimeError: no offset today"):
            _loaded("HEAD", checkout.folder)
        assert sys.modules["kernels"] is before

    def test_no_functions(self, checkout):
        checkout.commit(__init__="")
        with pytest.raises(NoBase, match=r"none of the functions get_k_and_s, get_k, get_s"):
            _loaded("HEAD", checkout.folder)

    @pytest.mark.parametrize("late", ["from kernels.offset import OFFSET", "import kernels.offset", "from . import x"])
    def test_late_import_would_get_the_other_sides_module(self, checkout, late):
        checkout.commit(__init__=f"def get_k(*arguments):\n    {late}\n")
        with pytest.raises(NoBase, match=r"__init__.py imports kernels within a function, in line 2"):
            _loaded("HEAD", checkout.folder)

    def test_link(self, checkout):
        (checkout.folder / "kernels" / "link.py").symlink_to("/etc/hostname")
        checkout.commit()
        with pytest.raises(NoBase, match=r"kernels/link.py is no plain file"):
            extract(resolve("HEAD", checkout.folder))

    def test_no_git(self, checkout, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(NoBase, match="git is not installed"):
            resolve("HEAD", checkout.folder)
