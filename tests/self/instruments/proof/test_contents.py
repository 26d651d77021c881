"""Is it proved of right kernels that their results are right, and of none whose results are wrong in some call?"""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)

from tests import ROOT
from tests.contract import Rule
from tests.instruments.proof.answers import Answer
from tests.instruments.proof.contents import CONTENT_RULES
from tests.planted.gathers import STYLES

TWICE = {
    "block = program.to(tl.int64)": "block = program.to(tl.int64) // 2",
    "grid = (seq_len_sum,)": "grid = (2 * seq_len_sum,)",
}
STORE = "tl.store(s_to, s, mask=is_row[:, None])"
WRONG = {
    "slot of the token behind": ({"slot = token % PAGE_SIZE": "slot = (token + 1) % PAGE_SIZE"}, Rule.BYTES),
    "page number in 16 bits": (
        {"ordinal < max_pages), other=-1).to(tl.int64)": "ordinal < max_pages), other=-1).to(tl.int16).to(tl.int64)"},
        Rule.TABLE_TAIL,
    ),
    "ones for pages that are not there": (
        {"s = tl.load(s_from, mask=is_page[:, None], other=0)": "s = tl.load(s_from, mask=is_page[:, None], other=1)"},
        Rule.INVALID_PAGES,
    ),
    "last row of each sequence left out": (
        {"is_row = (token < length) & (row < rows)": "is_row = (token < length - 1) & (row < rows)"},
        Rule.BYTES,
    ),
    "one program too few": ({"grid = (seq_len_sum,)": "grid = (seq_len_sum - 1,)"}, Rule.BYTES),
    "each row by two programs": (TWICE, Rule.SAME_BYTES),
    "last row read for nobody": (
        {STORE: "tl.store(s_to, s, mask=(is_row & (row < rows - 1))[:, None])"},
        Rule.TRAFFIC,
    ),
}


def answers_in(folder: Path) -> dict[str, dict[Rule, set[Answer]]]:
    """Have a process that does not interpret kernels ask of each, and return all answers by rule."""
    sources = {style: STYLES[style].source() for style in ("token", "flat")}
    sources |= {name: STYLES["token"].source(edits) for name, (edits, _) in WRONG.items()}
    files = {name: folder / f"{re.sub('[^a-z0-9]', '_', name)}.py" for name in sources}
    for name, file in files.items():
        file.write_text(sources[name], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tests.self.instruments.proof.contents_child", *map(str, files.values())],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found: dict[str, dict[Rule, set[Answer]]] = {}
    for name, line in zip(files, done.stdout.splitlines(), strict=True):
        found[name] = {}
        for rule, answer in json.loads(line):
            found[name].setdefault(Rule(rule), set()).add(Answer(answer))
    return found


def test_right_results_are_proved_and_wrong_ones_are_not(tmp_path):
    answers = answers_in(tmp_path)
    for style in ("token", "flat"):
        assert answers[style] == {rule: {Answer.PROVED} for rule in CONTENT_RULES}
    assert [bug for bug, (_, rule) in WRONG.items() if Answer.NOT_DECIDED not in answers[bug][rule]] == []
