"""Findings that are likely one mistake are one entry, while they come and at the end."""

import pytest

from ci.examination import summary
from ci.examination.display import MOST_SHOWN, Shown
from ci.examination.entries import argument_of, entries, rules_told
from tests.cases.bad_arguments import CASES
from tests.contract import Rule
from tests.examine.examined import Examined
from tests.examine.finding import Finding


def finding(rule: int, case: str, function: str = "get_k", fault: str = "wrong row", message: str = "no") -> Finding:
    return Finding(Rule(rule), case, function, message, fault=fault)


def test_findings_of_a_rule_and_a_fault_are_one_entry():
    findings = [
        *(finding(4, f"lengths/{n}", function) for n in range(6) for function in ("get_k", "get_s")),
        finding(4, "lengths/1", "get_k", "raised: KeyError: 3"),
        finding(1, "bit-patterns/nan"),
    ]
    assert [(entry.rule, len(entry.findings)) for entry in entries(findings)] == [(1, 1), (4, 12), (4, 1)]
    assert summary.rule_lines(findings) == [
        "rule 1: every byte is right, bit for bit",
        "    wrong row (get_k) in bit-patterns/nan",
        "rule 4: any lengths and batches, shared and repeated pages",
        "    wrong row (get_k, get_s) in 6 cases: lengths/0, lengths/1, lengths/2, lengths/3 and 2 more",
        "    raised: KeyError: 3 (get_k) in lengths/1",
    ]


def test_bad_arguments_are_counted_by_argument():
    cases = [f"bad-arguments/{name}" for name in ("buf-int8", "buf-flat", "seq-lens-none", "seq-len-sum-negative")]
    cases.append("bad-arguments/max-seq-len-over")
    (_, line) = summary.rule_lines([finding(14, case, fault="not refused: accepted") for case in cases])
    told = "buf 2, seq_lens 1, seq_len_sum 1, max_seq_len 1"
    assert line == f"    not refused: accepted (get_k) in 5 cases: {told}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_argument_of_a_case_is_the_one_that_it_spoils(case):
    assert argument_of(case.id) == case.bad.names[0]


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([4], "rule 4"),
        ([7, 4, 4], "rules 4 and 7"),
        ([1, 2, 5], "rules 1, 2 and 5"),
        ([9, 10, 11, 13, 14, 15, 16, 17, 18, 19], "rules 9 to 11 and 13 to 19"),
    ],
)
def test_rules_are_told_in_few_words(rules, told):
    assert rules_told(rules) == told


class TestShown:
    def test_the_first_case_of_a_fault_is_shown_with_all_its_functions(self):
        shown = Shown()
        both = (finding(4, "lengths/a"), finding(4, "lengths/a", "get_s"))
        (entry,) = shown.of(Examined("lengths/a", both))
        assert (entry.first.case, entry.functions) == ("lengths/a", ["get_k", "get_s"])
        assert shown.of(Examined("lengths/b", (finding(4, "lengths/b"),))) == []
        (other,) = shown.of(Examined("lengths/c", (finding(1, "lengths/c"),)))
        assert other.rule == 1

    def test_what_is_raised_waits_until_the_function_does_anything_else(self):
        shown = Shown()
        raised = finding(4, "lengths/a", fault="raised: KeyError: 3", message="raised KeyError: 3")
        assert shown.of(Examined("lengths/a", (raised,))) == []
        assert shown.of(Examined("lengths/b", right=("get_s",))) == []
        assert [entry.first for entry in shown.of(Examined("lengths/c", right=("get_k",)))] == [raised]
        assert shown.rest([raised]) == []

    def test_at_the_end_only_what_became_a_finding_is_shown(self):
        shown = Shown()
        raised = [finding(4, f"lengths/{n}", fault="raised: no", message="raised no") for n in range(2)]
        for one in raised:
            assert shown.of(Examined(one.case, (one,))) == []
        assert [entry.first for entry in shown.rest(raised[1:])] == raised[1:]
        assert Shown().rest(raised) == []

    def test_many_faults_are_counted_but_each_rule_is_shown(self):
        shown = Shown()
        many = [finding(4, "lengths/a", fault=f"fault {n}") for n in range(MOST_SHOWN + 5)]
        assert len(shown.of(Examined("lengths/a", tuple(many)))) == MOST_SHOWN
        assert len(shown.of(Examined("lengths/b", (finding(7, "lengths/b", fault="other"),)))) == 1
