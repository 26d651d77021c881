"""`./ci/gate prove` on planted bugs and right kernels: nothing wrong is proved, nothing right refuted, rows fail."""

import json
import re
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)

from ci.prove.command import prove
from ci.prove.options import MOST_PATHS, PRODUCTION
from ci.prove.rows import row_of
from ci.reports.progress import Steps
from tests import ROOT
from tests.contract import Rule
from tests.instruments.proof.answers import Answer, Obligation
from tests.self.ci.prove.planted import PLANTED, RIGHT, TABLE, WRONG, asked, case_of, summed_up
from tests.self.consoles import console

KEPT = json.loads(TABLE.read_text(encoding="utf-8"))


def check(name: str, seen: dict) -> None:
    """Hold an entry of the table against what is true of a planted kernel."""
    answer = Answer(seen["answer"])
    if name in RIGHT:
        assert answer is not Answer.REFUTED
    if name in WRONG and answer is Answer.PROVED:
        assert not seen["wild"]
        assert seen["stays_inside"], "no bug is proved without a word why it touches nothing outside"
    if answer is Answer.NOT_DECIDED:
        assert seen["why"]
    if answer is Answer.REFUTED and seen["rows"]:
        assert seen["failing"]


@pytest.mark.parametrize("name", KEPT)
def test_the_table_has_no_false_answer(name):
    check(name, KEPT[name])


def test_most_planted_bugs_that_leave_memory_are_refuted():
    _, _, share = summed_up(KEPT)
    assert share >= 0.7


@pytest.mark.long
@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_answered_as_the_table_says(name, tmp_path, device):
    if device == "cuda":
        pytest.skip("its rows are examined on the interpreter")
    seen = asked(name, tmp_path)
    check(name, seen)
    assert name not in KEPT or seen["answer"] == KEPT[name]["answer"]


BEFORE_THE_MEND = {
    "plan": (
        "min((seq_len_sum + batch * (tile - 1)) // tile, batch * tiles_a_sequence)",
        "(seq_len_sum + batch * (tile - 1)) // tile",
    )
}
"""The search for tiles gets more programs than sequences have tiles, so that tokens wrap in 32 bits."""
ON_A_RARE_PATH = {
    "kernel": (
        "    is_page = (page >= 0) & (page < num_pages)\n",
        "    is_page = (page >= 0) & (page < num_pages)\n"
        "    if PAGE_SIZE == 48 and page_indices_ptr.dtype.element_ty == tl.int64:\n"
        "        is_page = (page >= 0) & (page <= num_pages)\n",
    )
}


def refuted_of(folder: Path, edits: dict[str, tuple[str, str]], **setting: Any) -> list[Obligation]:
    """Return what is refuted of `get_s` of the own kernels with edits, a text and another one by module."""
    package = folder / f"kernels_{'_'.join(edits)}"
    package.mkdir()
    for name in ("gather", "launch", "plan", "kernel"):
        text = (ROOT / "kernels" / f"{name}.py").read_text(encoding="utf-8")
        text = re.sub(r"from kernels\.(launch|plan|kernel) ", rf"from {package.name}.\1 ", text)
        old, new = edits.get(name, ("", ""))
        assert not old or text.count(old) == 1
        (package / f"{name}.py").write_text(text.replace(old, new) if old else text, encoding="utf-8")
    path = folder / "gather_of_old.py"
    path.write_text(f"from {package.name}.gather import get_k, get_k_and_s, get_s\n", encoding="utf-8")
    named = {"everywhere": False, "paths": MOST_PATHS, "rules": [], **PRODUCTION, **setting}
    with Steps(console()[0], 0.0) as steps:
        (proof,) = prove(Namespace(implementation=str(path), functions=["get_s"], **named), steps)
    return [verdict for variant in proof.variants for verdict in variant if verdict.answer is Answer.REFUTED]


@pytest.mark.long
def test_tokens_that_wrapped_in_the_own_kernels_are_refuted(tmp_path, device):
    if device == "cuda":
        pytest.skip("counterexamples are run on the interpreter")
    refuted = refuted_of(tmp_path, BEFORE_THE_MEND)
    assert {verdict.rule for verdict in refuted} == {Rule.DISAGREEMENT}
    shown = next(verdict for verdict in refuted if verdict.candidates)
    assert "was computed in int32, which does not hold it" in shown.reason
    row = case_of(row_of(shown.candidates[0], shown.rule, "get_s") or "")
    assert set(row.seq_lens) == {0}
    assert row.seq_len_sum + 63 * len(row.seq_lens) >= 1 << 31


@pytest.mark.long
def test_a_wild_access_on_a_rare_path_is_refuted_where_it_is_asked_for(tmp_path, device):
    if device == "cuda":
        pytest.skip("counterexamples are run on the interpreter")
    refuted = refuted_of(tmp_path, ON_A_RARE_PATH, page_size=48, table_dtype="int64")
    assert {(verdict.rule, verdict.what) for verdict in refuted} == {(Rule.INVALID_PAGES, "read of buf")}
