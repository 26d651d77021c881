"""Can the recipes of README and CONTRIBUTING be followed to the letter, and is what they add examined?"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.self.recipes import CannotFollow, blocks, copy_of_the_project, follow, run, section

README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ZEROS = """
import torch

def get_k(*arguments):
    return torch.zeros(arguments[3], arguments[6], dtype=torch.uint8)
"""


@pytest.fixture
def copy(tmp_path):
    return copy_of_the_project(tmp_path)


def examined(printed: str, family: str) -> tuple[int, int]:
    """Return how many cases of a family were examined, and clean, by the verdict table."""
    rows = [line.split() for line in printed.splitlines() if line.split()[:1] == [family]]
    assert len(rows) == 1, printed
    return int(rows[0][1]), int(rows[0][2])


def finding_of_zeros(copy: Path, case: str) -> str:
    """Return what the gate prints of a gather of zeros on a case."""
    (copy / "zeros.py").write_text(ZEROS)
    return run(f"./ci/gate --impl zeros.py --case {case} --device cpu -n 1", copy, expected=1)


def test_a_case(copy):
    (printed,) = follow(section(README, "Add a case"), copy)
    assert examined(printed, "batches") == (1, 1)
    assert "rule 4  batches/zero-middle  get_k" in finding_of_zeros(copy, "batches/zero-middle")


@pytest.mark.long
def test_a_family(copy):
    (printed,) = follow(section(CONTRIBUTING, "A family of cases"), copy)
    assert examined(printed, "zigzag") == (2, 2)
    assert "rule 4  zigzag/starts-" in finding_of_zeros(copy, "'zigzag/*'")


@pytest.mark.long
def test_a_rule(copy):
    (printed,) = follow(section(CONTRIBUTING, "A rule"), copy)
    assert examined(printed, "tables") == (1, 1)
    told = finding_of_zeros(copy, "tables/drafts")
    assert "rule 21  tables/drafts  get_k" in told
    assert "drafts of one sequence share all of its pages but the last" in told


@pytest.mark.long
def test_an_implementation(copy):
    (own,) = follow(section(README, "Examine your own kernel"), copy)
    assert "CLEAN: my_gather.py keeps the trusting contract" in own
    assert examined(own, "lengths")[0] > 20
    _, peer = follow(section(CONTRIBUTING, "An implementation"), copy)
    assert "CLEAN: mine keeps the trusting contract" in peer
    assert examined(peer, "lengths") == (2, 2)


@pytest.mark.long
def test_a_gather_of_another_signature(copy):
    text = (ROOT / "kernels" / "peers" / "README.md").read_text(encoding="utf-8")
    recipe = blocks(text)[:2]
    assert len(recipe[0].text.splitlines()) < 10
    (copy / "my_ops.py").write_text((ROOT / "tests" / "planted" / "foreign" / "vllm.py").read_text())
    (printed,) = follow("\n\n".join(f"{of.prose}\n\n```{of.language}\n{of.text}```" for of in recipe), copy)
    assert "CLEAN: my_vllm_gather.py keeps the trusting contract" in printed
    assert examined(printed, "lengths") == (3, 3)


@pytest.mark.parametrize("heading", ["Add a case", "A family of cases", "A rule", "An implementation"])
def test_what_a_recipe_leaves_behind_is_formatted(copy, heading):
    """Pasted lines that ruff would change are no good example."""
    ruff = pytest.importorskip("ruff", reason="ruff is not installed: pip install -e '.[dev]'")
    document = README if heading == "Add a case" else CONTRIBUTING
    without_commands = section(document, heading).replace("```console\n$ ./ci/gate", "```console\n$ true")
    (copy / "my_gather.py").write_text(blocks(section(README, "Examine your own kernel"))[0].text)
    follow(without_commands, copy)
    changed = [path for path in copy.rglob("*.py") if not _is_as_here(path, copy)]
    assert changed
    for job in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", ruff.__name__, *job, *changed]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def _is_as_here(path: Path, copy: Path) -> bool:
    original = ROOT / path.relative_to(copy)
    return original.is_file() and original.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("recipe", "fault"),
    [
        ("Add this:\n\n```python\nx = 1\n```", "not said where"),
        ("In `tests/contract.py`, after the line that begins with `99: `:\n\n```python\nx = 1\n```", "0 lines"),
        ("In `tests/cases/catalogue.py`, after the line that begins with `lengths,`:\n\n```python\nx\n```", "2 lines"),
        ("In a new file `README.md`:\n\n```python\nx = 1\n```", "not new"),
        ("```console\n$ ./ci/gate --case no/such --device cpu\n```", "ended with 2"),
    ],
)
def test_a_recipe_that_is_not_literal_is_told(copy, recipe, fault):
    with pytest.raises(CannotFollow, match=fault):
        follow(recipe, copy)
