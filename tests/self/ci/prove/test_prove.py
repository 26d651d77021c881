"""`./ci/gate prove` on planted bugs and right kernels: nothing wrong is proved, nothing right refuted, rows fail."""

import json
from importlib.util import find_spec

import pytest

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)

from tests.instruments.proof.answers import Answer
from tests.self.ci.prove.planted import PLANTED, RIGHT, TABLE, WRONG, asked, summed_up

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
