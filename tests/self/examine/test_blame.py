"""Does each finding cite the rule that was broken, and is one fault one finding?"""

import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.calls.implementations import Implementation, load_implementation
from tests.cases.catalogue import catalogue
from tests.contract import Contract, Rule
from tests.examine.blame import Seen, rule_of
from tests.examine.finding import Finding, Findings
from tests.instruments.checked_interpreter import kinds
from tests.planted.bugs import BUGS
from tests.planted.bugs.bug import Bug

BY_NAME = {bug.name: bug for bug in BUGS}
CASES = {case.id: case for case in catalogue(seed_count=0)}


@pytest.fixture
def on_cpu(device):
    if device != "cpu":
        pytest.skip("needs the interpreter: a wild bug")


def planted(name: str, folder: Path) -> Implementation:
    return planted_edits(BY_NAME[name].edits, folder)


def planted_edits(edits: dict[str, str], folder: Path) -> Implementation:
    path = folder / "planted_for_blame.py"
    path.write_text(Bug(name="planted", edits=edits, rules=(), cases=()).source(), encoding="utf-8")
    return load_implementation(str(path))


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
        (Seen.WRONG_ROW, (12, 4), 12),
        (Seen.WRONG_ROW, (4, 1, 9), 4),
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
        (Seen.WRAP, (11,), 11),
        (Seen.WRAP, (11, 12), 12),
        (Seen.WRAP, (10,), 10),
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
    (finding,) = examiner.examine(case, Implementation("raises", {"get_k": get_k}), Contract.SAFE).findings
    assert finding.rule == rule
    assert finding.message.startswith(f"raised {error.__name__}: page 12 is out of bounds (test_blame.py line ")
    assert f"{error.__name__}: page N is out of bounds" in finding.fault, "figures do not tell faults apart"


def _examine(examiner, case, function, call, contract=Contract.SAFE):
    return examiner.examine(CASES[case], Implementation("planted", {function: call}), contract).findings


def test_a_result_that_follows_the_devices_lengths_is_rule_13(examiner):
    def get_s(buf, pages, lens, total, *sizes):
        return torch.zeros((int(lens.sum()), 4), dtype=torch.uint8, device=buf.device)

    (finding,) = _examine(examiner, "disagreement/device-larger-by-one", "get_s", get_s)
    assert finding.rule is Rule.DISAGREEMENT
    assert finding.message == "S has shape (198, 4), should be (195, 4)"


def test_a_refusal_of_an_odd_base_that_is_no_value_error_is_rule_10(examiner):
    def get_s(buf, *others):
        return buf.view(torch.float32)

    (finding,) = _examine(examiner, "bit-patterns/every-byte-odd-base", "get_s", get_s)
    assert finding.rule is Rule.STRIDES


@pytest.mark.parametrize(
    ("bug", "case", "rules"),
    [
        # What a stride that is ignored leads to is told as what it is, and is no wrap.
        ("pages-side-by-side", "pools/page-at-2-gib-exactly", {Rule.STRIDES}),
        ("page-offset-in-unsigned-32-bits", "pools/page-at-4-gib-exactly", {Rule.BIG_ADDRESSES}),
        ("page-just-past-the-pool-accepted", "invalid-pages/num-pages-first", {Rule.INVALID_PAGES}),
    ],
)
def test_one_fault_is_one_finding_of_a_function(bug, case, rules, examiner, tmp_path, on_cpu):
    findings = examiner.examine(CASES[case], planted(bug, tmp_path), Contract.SAFE).findings
    assert {finding.rule for finding in findings} == rules
    assert [finding.function for finding in findings] == ["get_k_and_s", "get_k", "get_s"]


def test_a_filler_that_is_read_as_a_page_is_told_as_one(examiner, tmp_path, on_cpu):
    edits = {
        "page_indices.stride(0)": "page_indices.shape[1]",
        "(page >= 0) & (page < num_pages)": "(page != num_pages)",
    }
    findings = examiner.examine(CASES["tables/sliced"], planted_edits(edits, tmp_path), Contract.SAFE).findings
    told = [finding for finding in findings if "read 1 byte" in finding.message]
    assert told
    assert all(finding.rule is Rule.STRIDES for finding in findings)
    assert all(
        "it took 4 bytes 0x81, which lie between the elements of an argument, for page" in f.message for f in told
    )
    assert all("rows of" in finding.message for finding in told)


def test_rows_of_refused_reads_are_told_with_the_read(examiner, tmp_path, on_cpu):
    findings = examiner.examine(
        CASES["invalid-pages/num-pages-first"], planted("page-just-past-the-pool-accepted", tmp_path), Contract.SAFE
    ).findings
    assert [f.fault for f in findings] == ["read outside: buf"] * 3
    assert "so 64 of 265 rows of K are wrong; so 64 of 265 rows of S are wrong" in findings[0].message


def test_a_launch_past_a_limit_is_told_at_once_and_not_run(examiner, tmp_path, on_cpu):
    began = time.monotonic()
    examined = examiner.examine(
        CASES["lengths/page-plus-one"],
        planted_edits({"(seq_len_sum // BLOCK + batch,)": "(seq_len_sum // BLOCK + batch, 65_536)"}, tmp_path),
        Contract.SAFE,
    )
    assert time.monotonic() - began < 30
    assert [(of.rule, of.fault) for of in examined.findings] == [(Rule.LENGTHS, "grid limit")] * 3
    assert (
        "65,536 programs on y, past the limit of 65,535; so 65 of 65 rows of K are wrong"
        in examined.findings[0].message
    )
