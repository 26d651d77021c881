"""What examined code raises is a finding, unless the contract allows it; only the harness leaves a case out."""

import re
import sys

import pytest
import torch

from tests.calls.implementations import Implementation, load_implementation
from tests.cases.catalogue import catalogue
from tests.contract import Contract, Rule
from tests.planted.bugs.bug import BASE
from tests.self.inner_pytest import run_pytest

CASES = {case.id: case for case in catalogue(seed_count=0)}
FIRST = "lengths/page-plus-one"


def examined(examiner, call, case=FIRST, contract=Contract.STRICT):
    return examiner.examine(CASES[case], Implementation("mine", {"get_s": call}), contract)


@pytest.mark.parametrize(
    "leave",
    [pytest.skip, pytest.xfail, pytest.exit, sys.exit, lambda why: (_ for _ in ()).throw(KeyboardInterrupt(why))],
)
@pytest.mark.parametrize("case", [FIRST, "state/many-calls", "growth/batches", "disagreement/device-smaller"])
def test_whatever_is_raised_is_a_finding(leave, case, examiner, capsys):
    (finding,) = examined(examiner, lambda *arguments: leave("not today"), case).findings
    assert re.search(r"raised \w+: not today \(test_raised\.py line \d+\)", finding.message)
    about = [rule for of in (CASES[case], *CASES[case].calls) for rule in of.rules]
    assert finding.rule in about or finding.rule is Rule.STATE
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_bad_arguments_are_not_skipped(examiner):
    gather = load_implementation(str(BASE))

    def get_s(buf, *others):
        if buf.dtype != torch.uint8:
            pytest.skip("buf")
        return gather.functions["get_s"](buf, *others)

    (finding,) = examined(examiner, get_s, "bad-arguments/buf-int8").findings
    assert finding.message.startswith("raised Skipped: buf (test_raised.py line ")


class Odd(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        raise SystemExit("do not look")


def test_a_result_that_cannot_be_looked_at_is_a_finding(examiner):
    (finding,) = examined(examiner, lambda *a: torch.zeros((a[3], 4), dtype=torch.uint8).as_subclass(Odd)).findings
    assert finding.rule is Rule.RESULTS
    assert "do not look" in finding.message


def test_what_the_contract_allows_is_a_refusal(examiner):
    def refuses(*arguments):
        raise ValueError("seq_len_sum")

    for case in ("geometries/page-1", "tables/sliced", "disagreement/sum-too-large-by-a-block"):
        found = examined(examiner, refuses, case)
        assert (found.findings, found.refused, found.right) == ((), ("get_s",), ())
    assert examined(examiner, refuses, "disagreement/device-smaller").findings[0].rule is Rule.DISAGREEMENT
    assert examined(examiner, refuses).findings


def test_functions_whose_rows_are_right_are_named(examiner):
    gather = load_implementation(str(BASE))
    assert examiner.examine(CASES[FIRST], gather).right == tuple(gather.functions)
    assert examiner.examine(CASES["state/many-calls"], gather).right == tuple(gather.functions)
    assert examiner.examine(CASES["disagreement/device-smaller"], gather).right == ()


SKIPS = """
import pytest, torch
class Late(torch.Tensor):
    pass
def get_s(buf, *arguments):
    pytest.{how}("not today")
"""


@pytest.mark.parametrize("how", ["skip", "xfail", "exit"])
def test_no_case_is_left_out_by_what_is_examined(how, tmp_path):
    path = tmp_path / "skips.py"
    path.write_text(SKIPS.format(how=how))
    run = run_pytest("tests/test_values.py", "-n", "0", "--impl", str(path), "--case", FIRST, folder=tmp_path)
    assert run.status == pytest.ExitCode.TESTS_FAILED, run.output
    (finding,) = run.verdicts[FIRST].findings
    assert "not today (skips.py line 6)" in finding.message
    assert "Traceback (most recent call last)" in run.output


def test_refusing_bad_arguments_proves_nothing_where_good_ones_are_refused_too(examiner):
    def refuses(*arguments):
        raise ValueError("buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim")

    for case in ("bad-arguments/buf-int8", "bad-arguments/page-indices-float32"):
        found = examined(examiner, refuses, case)
        assert found.findings == ()
        assert found.undecided == "raises on good arguments too, so that refusing bad ones proves nothing"
        assert not found.is_clean


def test_good_arguments_are_tried_once(examiner, device):
    calls = []
    gather = load_implementation(str(BASE))

    def get_s(*arguments):
        calls.append(arguments)
        return gather.functions["get_s"](*arguments)

    implementation = Implementation("mine", {"get_s": get_s})
    for case in ("bad-arguments/buf-int8", "bad-arguments/page-indices-float32"):
        assert examiner.examine(CASES[case], implementation).is_clean
    # On a GPU, each case is examined in two memories.
    assert len(calls) == 1 + 2 * (1 if device == "cpu" else 2)
