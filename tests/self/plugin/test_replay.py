"""A replay line, pasted into a shell in the folder of the run, shows the same findings again."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import ROOT
from tests.examine.finding import Finding
from tests.planted.bugs.bug import BASE
from tests.self.inner_pytest import run_pytest

WRONG = '''
import torch

def get_k_and_s(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim):
    """Nothing but zeros, as if nobody had looked."""
    rows = int(seq_len_sum)
    return (torch.zeros(rows, width, dtype=torch.uint8, device=buf.device) for width in (index_head_dim, 4))
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name has a space, with an implementation in it whose name is a pattern."""
    folder = tmp_path / "my gathers"
    folder.mkdir()
    (folder / "zeros [v2]*.py").write_text(WRONG)
    return folder


def run(command: str | Sequence[str], folder: Path) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "FORCE_COLOR", "TRITON_INTERPRET"))}
    done = subprocess.run(
        command, shell=isinstance(command, str), cwd=folder, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def told(output: str) -> list[tuple[str, str]]:
    """Return the findings that the gate printed, as they stand there, and the replay line of each."""
    pattern = r"^(rule \d+  \S+  .*\n  .*\n)  the rule: .*\n  replay: (.*)$"
    return re.findall(pattern, output, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("asked", "cases"),
    [
        pytest.param(["--contract", "trusting"], ["lengths/page-plus-one"], marks=pytest.mark.long),
        (["--contract", "safe", "--seeds-from", "900", "--seeds", "9"], ["seeds/seed-907"]),
        pytest.param(["--memory", "red-zones", "--device", "cpu"], ["pools/offset-1"], marks=pytest.mark.long),
    ],
    ids=lambda words: words[0],
)
def test_the_gates_line_pasted_into_a_shell(asked, cases, folder):
    words = [word for case in cases for word in ("--case", case)]
    command = [sys.executable, str(ROOT / "ci" / "gate"), "-n", "1", "--device", "cpu", "--impl", "zeros [v2]*.py"]
    findings = told(run([*command, *asked, *words], folder))
    assert findings
    text, again = findings[0]
    assert told(run(again, folder))[0] == (text, again)


def test_pytests_line_pasted_into_a_shell(folder, tmp_path):
    case = "lengths/page-plus-one"
    implementation = folder / "zeros [v2]*.py"
    inner = run_pytest(
        *("tests/test_values.py", "-n", "0", "--device", "cpu", "--contract", "safe", "--memory", "red-zones"),
        *("--impl", str(implementation), "--case", case),
        folder=tmp_path,
    )
    ended = inner.verdicts[case]
    (again,) = re.findall(r"^replay: (.*)$", ended.text, flags=re.MULTILINE)
    report = tmp_path / "report.json"
    run(f"{again} --json '{report}'", ROOT)
    shown = [Finding.from_json(finding) for finding in json.loads(report.read_text())["findings"]]
    assert shown == list(ended.findings)


def test_a_finding_that_earlier_cases_made_is_shown_again_with_them(folder):
    frozen = "PAGES = []\n" + BASE.read_text().replace(
        "PAGE_SIZE=page_size", "PAGE_SIZE=(PAGES.append(page_size), PAGES[0])[1]"
    )
    (folder / "frozen.py").write_text(frozen)
    command = [sys.executable, str(ROOT / "ci" / "gate"), "-n", "1", "--device", "cpu", "--impl", "frozen.py"]
    words = ["--contract", "safe", "--case", "geometries/page-7", "--case", "geometries/page-3"]
    text, again = told(run([*command, *words], folder))[0]
    assert re.match(r"rule 7  geometries/page-3  .*\n  only after geometries/page-7, and right alone: ", text)
    assert again.endswith("--case geometries/page-7 --case geometries/page-3 --in-order")
    assert told(run(again, folder))[0] == (text, again)
