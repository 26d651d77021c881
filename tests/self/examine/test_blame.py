"""Does each finding cite the rule that was broken, and is one fault one finding?"""

from dataclasses import replace

import pytest

from tests.calls.implementations import Implementation
from tests.cases.catalogue import catalogue
from tests.contract import Contract, Rule
from tests.examine.blame import Seen, rule_of
from tests.examine.finding import Finding, Findings
from tests.instruments.checked_interpreter import kinds

CASES = {case.id: case for case in catalogue(seed_count=0)}


def test_what_the_checker_sees_has_a_rule():
    named = {value for name, value in vars(kinds).items() if name.isupper() and isinstance(value, str)}
    assert named
    assert {Seen(kind).value for kind in named} == named


def test_everything_that_can_be_seen_has_a_rule_on_every_case():
    for about in {case.rules for case in CASES.values()}:
        assert all(rule_of(seen, about) in Rule for seen in Seen)


@pytest.mark.parametrize(
    ("seen", "about", "rule"),
    [
        (Seen.WRONG_ROW, (4,), 4),
        (Seen.WRONG_ROW, (11,), 1),
        (Seen.WRONG_ROW, (11, 12), 12),
        (Seen.WRONG_ROW, (12, 10), 10),
        (Seen.WRONG_ROW, (12,), 12),
        (Seen.ROW_OF_INVALID_PAGE, (11, 9), 11),
        (Seen.ROW_FROM_WRAPPED_ADDRESS, (12, 10), 12),
        (Seen.READ_OUTSIDE, (12, 10), 10),
        (Seen.READ_OUTSIDE, (10, 9, 1, 11), 11),
        (Seen.READ_OUTSIDE, (4,), 4),
        (Seen.WRITE_OUTSIDE, (4,), 7),
        (Seen.WRITE_OUTSIDE, (13,), 13),
        (Seen.CRASHED, (12, 10), 12),
        (Seen.RAISED, (1, 10), 10),
        (Seen.RAISED_OUT_OF_BOUNDS, (10, 11), 11),
        (Seen.RESULT, (13,), 13),
        (Seen.RESULT, (9,), 6),
        (Seen.WRAP, (4,), 12),
        (Seen.WRAP, (13,), 13),
    ],
)
def test_which_rule_is_broken(seen, about, rule):
    assert rule_of(seen, about) is Rule(rule)


def test_a_finding_in_json_has_the_rules_number():
    finding = Finding(Rule.STATE, "lengths/page", "get_k", "buf was written to", fault="argument written to: buf")
    assert finding.as_json()["rule"] == 7
    assert Finding.from_json(finding.as_json()) == finding
    with pytest.raises(ValueError, match="44"):
        Finding.from_json({**finding.as_json(), "rule": 44})


def test_one_fault_of_a_function_is_one_finding():
    findings = Findings(CASES["lengths/page"], Contract.STRICT)
    for function in ("get_k_and_s", "get_k"):
        findings.function = function
        findings.add(Seen.LAUNCHES, "3 launches")
        findings.add(Seen.LAUNCHES, "2 launches")
        findings.add(Seen.ARGUMENT_CHANGED, "buf was written to", "buf")
        findings.add(Seen.ARGUMENT_CHANGED, "seq_lens was written to", "seq_lens")
    assert [finding.fault for finding in findings.all] == [
        "launches",
        "argument written to: buf",
        "argument written to: seq_lens",
    ] * 2


@pytest.mark.parametrize(("error", "rule"), [(IndexError, 11), (RuntimeError, 10)])
def test_which_rule_an_error_breaks(error, rule, examiner):
    def get_k(*arguments):
        raise error("page 12 is out of bounds")

    case = replace(CASES["invalid-pages/num-pages-first"], rules=(10, 11))
    (finding,) = examiner.examine(case, Implementation("raises", {"get_k": get_k}), Contract.SAFE)
    assert finding.rule == rule
    assert finding.message == f"raised {error.__name__}: page 12 is out of bounds"
