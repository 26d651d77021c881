"""Is a finding told as what it is: one that comes back alone, one that earlier cases made, one that was seen once?"""

import pytest

from tests.calls.implementations import load_implementation
from tests.contract import Rule
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.examine.selection import Selection
from tests.plugin.fresh_process import examine_afresh
from tests.plugin.repetition import BUDGET_SECONDS, Repetition

CASE = "geometries/page-3"


def found(*rows, case=CASE):
    """Return findings, one for each pair of a function and a fault."""
    return Examined(
        case, tuple(Finding(Rule.GEOMETRIES, case, function, f"{fault}!", {}, fault) for function, fault in rows)
    )


class Fresh:
    """A fresh process in which a case has its faults only after the cases that make them."""

    def __init__(self, faults, seconds=1.0):
        self.faults = faults
        self.seconds = seconds
        self.now = 0.0
        self.asked: list[list[str]] = []

    def __call__(self, cases, seconds):
        self.asked.append(list(cases))
        self.now += self.seconds
        *earlier, case = cases
        return found(*(row for row, makers in self.faults.items() if set(makers) <= set(earlier)), case=case)

    def repetition(self):
        return Repetition(self, clock=lambda: self.now)


ROW = ("get_k", "wrong row")


def test_what_comes_back_alone_stands():
    fresh = Fresh({ROW: []})
    repetition = fresh.repetition()
    examined = found(ROW)
    assert repetition.told(examined, ["a/b", "c/d"]) == examined
    assert fresh.asked == [[CASE]]
    # It is not asked again of that rule and fault.
    assert repetition.told(found(ROW, case="geometries/page-7"), ["a/b", CASE]) == found(ROW, case="geometries/page-7")
    assert len(fresh.asked) == 1


def test_what_is_clean_or_first_costs_nothing():
    fresh = Fresh({})
    repetition = fresh.repetition()
    assert repetition.told(Examined(CASE), ["a/b"]) == Examined(CASE)
    assert repetition.told(found(ROW), []) == found(ROW)
    assert repetition.told(found(ROW, case="a/c"), [CASE]) == found(ROW, case="a/c")
    assert fresh.asked == []


@pytest.mark.parametrize(
    ("makers", "tried"), [(["a/first"], 2), (["a/last"], 3), (["a/second", "a/last"], 4), (["a/second"], 4)]
)
def test_what_earlier_cases_make_is_rule_7(makers, tried):
    fresh = Fresh({ROW: makers})
    earlier = ["a/first", "a/second", "a/last"]
    (finding,) = fresh.repetition().told(found(ROW), earlier).findings
    assert finding.rule is Rule.STATE
    after = makers if len(makers) == 1 and makers != ["a/second"] else earlier
    assert finding.details["after"] == after
    names = after[0] if len(after) == 1 else "3 other cases, the first a/first"
    assert finding.message == f"only after {names}, and right alone: wrong row!"
    assert len(fresh.asked) == tried


def test_a_case_that_spoilt_one_is_asked_first_for_the_next():
    fresh = Fresh({ROW: ["a/second"], ("get_s", "zeros"): ["a/second"]})
    repetition = fresh.repetition()
    repetition.told(found(ROW), ["a/first", "a/second"])
    (finding,) = repetition.told(found(("get_s", "zeros"), case="a/x"), ["a/first", "a/second", CASE]).findings
    assert finding.details["after"] == ["a/second"]
    assert fresh.asked[-2:] == [["a/x"], ["a/second", "a/x"]]


def test_what_comes_back_in_neither_was_seen_once():
    fresh = Fresh({ROW: []})
    told = fresh.repetition().told(found(ROW, ("get_s", "race")), ["a/b"])
    assert [finding.message for finding in told.findings] == ["wrong row!", "race! (seen once)"]
    assert {finding.rule for finding in told.findings} == {Rule.GEOMETRIES}


def test_repetitions_have_a_budget():
    fresh = Fresh({}, seconds=BUDGET_SECONDS)
    repetition = fresh.repetition()
    repetition.told(found(ROW), ["a/b"])
    assert repetition.told(found(("get_s", "other")), ["a/b"]) == found(("get_s", "other"))
    assert fresh.asked == [[CASE]]


def test_a_process_that_does_not_get_there_says_nothing():
    assert Repetition(lambda cases, seconds: None).told(found(ROW), ["a/b"]) == found(ROW)


def test_cases_are_examined_in_order_in_a_fresh_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counts.py").write_text(
        "CALLS = []\n"
        "def get_s(*arguments):\n    CALLS.append(arguments[3])\n    print('noise')\n    raise OSError(CALLS)\n"
    )
    load_implementation("counts.py").functions["get_s"].__globals__["CALLS"].append("not of that process")
    selection = Selection("counts.py", device="cpu", memory="red-zones")
    examined = examine_afresh(selection, ["lengths/page-plus-one", "lengths/one-token"], 100)
    assert examined is not None
    assert examined.case == "lengths/one-token"
    assert examined.findings[0].message == "raised OSError: [65, 1] (counts.py line 5)"


def test_a_process_that_ends_early_has_no_answer(tmp_path):
    path = tmp_path / "ends.py"
    path.write_text("import os\ndef get_s(*arguments):\n    os._exit(0)\n")
    selection = Selection(str(path), device="cpu", memory="red-zones")
    assert examine_afresh(selection, ["lengths/one-token"], 100) is None
