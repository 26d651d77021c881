"""Do scripts that stand alone show what they are for, in a process that knows nothing of the harness?"""

import os
import subprocess
import sys

import pytest
import torch

from ci.examination.reproduction import script_of
from tests.calls.implementations import load_implementation
from tests.cases.catalogue import catalogue
from tests.contract import Contract
from tests.examine.examination import examine
from tests.examine.selection import Selection

CASES = {case.id: case for case in catalogue(seed_count=0)}
GATHER = """
import torch

def get_k(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim):
    {first}
    rows = []
    for sequence, length in enumerate(seq_lens.tolist()):
        token = torch.arange(length)
        page = {page}
        at = {at}
        flat = buf.as_strided((buf.shape[0] * buf.stride(0),), (1,)) if buf.numel() else buf.flatten()
        rows.append(flat[at[:, None] + torch.arange(index_head_dim)])
    return torch.cat([torch.empty((0, index_head_dim), dtype=torch.uint8), *rows])
"""
RIGHT = {
    "first": "",
    "page": "page_indices[sequence, token // page_size].long()",
    "at": "page * buf.stride(0) + token % page_size * index_head_dim",
}
WRONG = [
    ("lengths/two-pages", {"page": "page_indices[sequence, token * 0].long()"}, "rows of k are wrong"),
    ("invalid-pages/minus-one-middle", {"page": RIGHT["page"] + ".clamp(0, buf.shape[0] - 1)"}, "rows of k are wrong"),
    (
        "tables/transposed",
        {"page": "page_indices.flatten()[page_indices.shape[0] * 0 + sequence + token // page_size].long()"},
        "rows of k are wrong",
    ),
    ("bad-arguments/seq-len-sum-negative", {}, "accepted"),
    (
        "pools/past-2-gib",
        {"at": "((page * buf.stride(0)).to(torch.int32).long() + token % page_size * index_head_dim)"},
        "(rows of k are wrong|IndexError)",
    ),
    ("lengths/one-token", {"first": "page_indices.zero_()"}, "an argument was written to"),
    ("lengths/zero-last", {"first": "raise RuntimeError('no')"}, "raised RuntimeError: no"),
]


@pytest.mark.parametrize(
    ("case", "change", "told"),
    [pytest.param(*row, id=row[0], marks=[] if row[0] == "lengths/two-pages" else [pytest.mark.long]) for row in WRONG],
)
def test_a_script_shows_its_fault_and_none_of_a_right_gather(case, change, told, tmp_path):
    kernel = tmp_path / "their_gather.py"
    kernel.write_text(GATHER.format(**{**RIGHT, **change}))
    implementation = load_implementation(str(kernel))
    found = examine(implementation, CASES[case], contract=Contract.SAFE, device=torch.device("cpu")).findings
    assert found
    script = script_of(Selection(str(kernel)), found[0], implementation.functions, CASES[case])
    assert script is not None
    shown = alone(script, tmp_path)
    assert shown.returncode == 1, shown.stderr
    assert shown.stdout.startswith("FAULT: ")
    assert any(of in shown.stdout for of in told.strip("()").split("|"))
    if not CASES[case].bad:
        kernel.write_text(GATHER.format(**RIGHT))
        right = alone(script, tmp_path)
        assert (right.returncode == 0) == (11 not in CASES[case].rules), right.stdout


def alone(script, folder):
    """Run a script where there is no harness."""
    path = folder / "reproduction.py"
    path.write_text(script)
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "TRITON_INTERPRET")}
    return subprocess.run([sys.executable, path], cwd=folder, env=kept, capture_output=True, text=True, timeout=120)


def test_what_no_script_can_show_has_none(tmp_path):
    kernel = tmp_path / "their_other_gather.py"
    kernel.write_text(GATHER.format(**RIGHT))
    implementation = load_implementation(str(kernel))
    case = CASES["disagreement/device-huge"]
    found = examine(implementation, case, contract=Contract.SAFE, device=torch.device("cpu")).findings
    assert [script_of(Selection(str(kernel)), of, implementation.functions, case) for of in found[:1]] == [None]
