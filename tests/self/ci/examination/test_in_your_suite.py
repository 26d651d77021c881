"""Do the gate's findings show as tests of another project's suite, which has a `tests` and a `ci` of its own?"""

import shutil

import pytest

from tests import ROOT
from tests.examine.choice import NoCases, cases_of
from tests.self import commands

KERNEL = """
import torch

def get_k(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim):
    rows = []
    for sequence, length in enumerate(seq_lens.tolist()):
        token = torch.arange(min(length, 64))
        page = page_indices[sequence, token // page_size].long()
        keys = buf[:, : page_size * index_head_dim].unflatten(1, (page_size, index_head_dim))
        rows += [keys[page, token % page_size], torch.zeros(max(length - 64, 0), index_head_dim, dtype=torch.uint8)]
    return torch.cat(rows)
"""
TEST = f"""
from in_your_suite import gather_tests
test_gather = gather_tests({str(ROOT)!r}, "ops.py", cases=["lengths/page*", "rows/*"], options=["--cases", "rows.py"])
"""


@pytest.fixture
def theirs(tmp_path):
    for package in ("tests", "ci"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    shutil.copy(ROOT / "ci" / "examination" / "in_your_suite.py", tmp_path / "tests")
    (tmp_path / "ops.py").write_text(KERNEL)
    (tmp_path / "rows.py").write_text("CASES = [dict(name='of-theirs', rules=(4,), seq_lens=(3, 5))]\n")
    (tmp_path / "tests" / "test_ops.py").write_text(TEST)
    (tmp_path / "conftest.py").write_text("import sys\nsys.path.insert(0, 'tests')\n")
    return tmp_path


@pytest.mark.long
def test_findings_are_tests_of_theirs(theirs):
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-rA", "tests/test_ops.py"]
    done = commands.python(*words, folder=theirs)
    assert "3 passed, 1 failed" in done.stdout or "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert "FAILED tests/test_ops.py::test_gather[lengths/page-plus-one]" in done.stdout
    assert "PASSED tests/test_ops.py::test_gather[rows/of-theirs]" in done.stdout
    assert "1 of 65 rows of K are wrong" in done.stdout


@pytest.mark.parametrize("text", ["CASES = [dict(name='x')]", "", "1 +", "CASES = [dict(rules=(4,), name='a', x=1)]"])
def test_a_file_without_cases_is_refused_in_a_sentence(text, tmp_path):
    path = tmp_path / "rows.py"
    path.write_text(text)
    with pytest.raises(NoCases, match=r"^--cases .*rows\.py: expected a Python file with CASES"):
        cases_of(path)
