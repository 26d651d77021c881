"""Is each rule told as what it is, and each finding as known or new?"""

import pytest

from ci.examination import by_rule, known, markdown
from ci.examination.known import Known, compared
from tests.contract import Contract, Rule
from tests.examine.examined import Examined
from tests.examine.finding import Finding

BEARS_ON = {
    "lengths/page": [4],
    "geometries/page-1": [9],
    "pools/past": [12, 3],
    "tables/wide": [10],
    "growth/pools": [18],
}
WRAP = Finding(Rule.BIG_ADDRESSES, "pools/past", "get_k", "wrapped", {"lines": ["kernel.py:7"]}, "integer wrap: buf")
LARGE = Finding(Rule.BIG_ADDRESSES, "pools/larger", "get_k", "wrapped")
RESULTS = [
    Examined("lengths/page", right=("get_k",)),
    Examined("geometries/page-1", refused=("get_k",)),
    Examined("pools/larger", (LARGE,)),
    Examined("pools/past", (WRAP,)),
    Examined("tables/wide", not_run="not asked: gather is given no table"),
]


def told(contract=Contract.SAFE, device="cpu", functions=("get_k",)):
    of = by_rule.by_rule(RESULTS, contract, BEARS_ON, {"pools/larger": 900, "pools/past": 3}, device, functions)
    return {int(rule.rule): rule for rule in of}


@pytest.mark.parametrize(
    ("rule", "state", "why"),
    [
        (4, "holds", "in 1 case"),
        (6, "holds", "in 1 case"),
        (9, "refused", "in 1 case"),
        (12, "broken", "in 2 cases"),
        (18, "not promised", ""),
        (10, "not examined", "not asked: gather is given no table"),
        (2, "not examined", "there is only get_k"),
        (3, "not examined", "its cases break other rules"),
        (14, "not examined", "no case of this run is about it"),
    ],
)
def test_rules(rule, state, why):
    of = told()[rule]
    assert (of.state, of.why) == (state, why)


def test_the_smallest_case_stands_for_a_broken_rule():
    assert told()[12].smallest is WRAP


def test_what_only_the_interpreter_sees_does_not_hold_on_a_gpu():
    assert told(device="cuda")[15].state == "not examined"
    assert told()[15].state == "holds"


def test_lines_are_few():
    lines = by_rule.lines(list(told().values()))
    assert lines[1:4] == ["broken: rule 12", "refused: rule 9", "not promised: rules 16 to 19"]
    assert "not examined, there is only get_k: rule 2" in lines


ROWS = (
    Known("theirs", ("1.0",), 12, "pools/*", "https://their.org/1"),
    Known("theirs", ("1.0",), 4, "lengths/*", "https://their.org/2"),
    Known("theirs", ("2.0",), 12, "pools/*", "https://their.org/3"),
)


def test_findings_are_known_or_new_and_what_is_gone_is_fixed():
    new = Finding(Rule.LENGTHS, "batches/3", "get_k", "wrong")
    of = compared("theirs", "1.0", [WRAP, new], ["lengths/page"], BEARS_ON, ROWS)
    assert (of.word(WRAP), of.word(new)) == ("known: https://their.org/1", "new")
    assert known.lines(of, [WRAP, new]) == [
        "known: https://their.org/1",
        "new: 1 of 2 findings",
        "fixed: rule 4 in lengths/* no longer occurs: https://their.org/2",
    ]
    assert compared("theirs", "3.0", [WRAP], ["lengths/page"], BEARS_ON, ROWS).known == {}


def test_what_was_not_examined_is_not_fixed():
    assert compared("theirs", "1.0", [], [], BEARS_ON, ROWS).fixed == ()
    more = {**BEARS_ON, "lengths/too-long-for-a-laptop": [4]}
    assert compared("theirs", "1.0", [], ["lengths/page"], more, ROWS).fixed == ()


def test_the_report_has_what_others_need():
    machine = {"torch": "2.9", "triton": "3.6", "gpus": ["H100"], "theirs": "1.0"}
    broken = [markdown.Broken(WRAP, "new", "./ci/gate --case pools/past", "print('alone')\n")]
    text = markdown.report("theirs", "FINDINGS: it breaks", machine, list(told().values()), broken)
    for part in (
        "theirs 1.0",
        "On H100",
        "kernel.py:7",
        "./ci/gate --case pools/past",
        "```python\nprint('alone')\n```",
    ):
        assert part in text
    assert "| 9 other geometries: right, or ValueError | refused | in 1 case |" in text
