"""What proofs come to, without processes."""

from dataclasses import replace
from importlib.util import find_spec

import pytest

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)

from ci.prove.outcome import Proof, accepted_reason, outcome_of, read_accepted, shown
from ci.prove.rows import row_of
from ci.prove.tables import summed_up
from ci.reports.decision import Decision
from tests.cases.case import Case
from tests.cases.plan import plan
from tests.contract import Rule
from tests.instruments.proof.answers import Answer, Obligation
from tests.instruments.proof.replay import Counterexample

SETTING = {"page_size": 64, "index_head_dim": 128, "table_dtype": "int32", "lens_dtype": "int64", "misaligned": 0}
NUMBERS = {
    "num_pages": 254_202,
    "page_stride": 8_448,
    "byte_stride": 1,
    "batch": 2,
    "max_pages": 1,
    "table_stride": 1,
    "table_step": 1,
    "lengths_stride": 1,
    "seq_len_sum": 1,
    "max_seq_len": 1,
}
EXAMPLE = Counterexample(
    NUMBERS, SETTING, (0, 0, 0), "read", "buf", [("seq_lens", 0, 8, 1), ("page_indices", 0, 4, 254_201)]
)


def verdict(answer: Answer, *candidates: Counterexample, rule: Rule = Rule.BIG_ADDRESSES) -> Obligation:
    return Obligation(rule, "kernel.py:9", "read of buf", answer, "", candidates)


def proof(*verdicts: Obligation, **host: object) -> Proof:
    return Proof("get_k", "page 64, head 128, int32/int64", (verdicts,), {"paths": 1, **host})


@pytest.mark.parametrize(
    ("proofs", "rules", "expected"),
    [
        ([proof(verdict(Answer.PROVED))], (), Decision.CLEAN),
        ([proof(verdict(Answer.PROVED), verdict(Answer.NOT_DECIDED))], (), Decision.UNDECIDED),
        ([proof(verdict(Answer.REFUTED), verdict(Answer.NOT_DECIDED))], (), Decision.FINDINGS),
        ([proof(verdict(Answer.PROVED), verdict(Answer.REFUTED, rule=Rule.UNDEFINED))], (12,), Decision.CLEAN),
        ([proof()], (), Decision.UNDECIDED),
        ([proof(verdict(Answer.PROVED), left=3)], (), Decision.UNDECIDED),
        ([proof(verdict(Answer.PROVED)), Proof("get_s", "page 64", (), {"paths": 3})], (), Decision.UNDECIDED),
        ([proof(verdict(Answer.PROVED)), Proof("get_s", "page 64", ((),), {"paths": 3})], (), Decision.UNDECIDED),
        ([proof(verdict(Answer.PROVED), verdict(Answer.NOT_DECIDED, rule=Rule.UNDEFINED))], (12,), Decision.CLEAN),
        ([proof(verdict(Answer.PROVED), unmodelled={"torch's cumsum on the host": 2})], (), Decision.UNDECIDED),
    ],
)
def test_the_outcome(proofs, rules, expected):
    assert outcome_of("mine", proofs, rules) is expected


def test_what_is_proved_of_few_sequences_is_not_told_of_all():
    proofs = [proof(replace(verdict(Answer.PROVED), rule=Rule.BYTES))]
    assert summed_up("own", proofs, [Rule.BYTES]) == "own: 1 proved; of rule 1 in calls of up to 3 sequences"
    assert "sequences" not in summed_up("own", [proof(verdict(Answer.PROVED))], [Rule.DISAGREEMENT])


def test_only_a_candidate_that_did_wrong_refutes():
    proofs = [proof(verdict(Answer.NOT_DECIDED, EXAMPLE), verdict(Answer.NOT_DECIDED))]
    (unshown,) = shown(proofs, [(0, 0, 0, EXAMPLE, [])])
    assert [each.answer for each in unshown.variants[0]] == [Answer.NOT_DECIDED] * 2
    (told,) = shown(proofs, [(0, 0, 0, EXAMPLE, ["it left buf"])])
    assert [each.answer for each in told.variants[0]] == [Answer.REFUTED] * 2
    assert told.variants[0][0].reason == "it left buf"


def test_what_is_accepted_has_a_reason_and_is_the_own_kernels():
    accepted = read_accepted()
    assert all(entry["reason"] and entry["implementation"] == "own" for entry in accepted)
    open_one = proof(verdict(Answer.NOT_DECIDED, rule=Rule.UNDEFINED))
    assert not accepted_reason(accepted, "own", open_one, open_one.variants[0][0])


def test_verdicts_survive_json():
    before = verdict(Answer.NOT_DECIDED, EXAMPLE)
    assert Obligation.from_json(before.as_json()) == before


def test_a_row_is_one_of_the_catalogue():
    row = eval((row_of(EXAMPLE, Rule.BIG_ADDRESSES, "get_k") or "").rstrip(","), {"Case": Case})
    assert (row.seq_lens, row.seq_len_sum, row.max_seq_len, row.num_pages) == ((1, 0), 1, 1, 254_202)
    assert row.page_at == {(0, 0): 254_201}
    assert row.rules == (Rule.BIG_ADDRESSES,)


@pytest.mark.parametrize(
    ("strides", "says"),
    [
        ({"page_stride": 9_000}, {"pool_row_gap": 552}),
        ({"byte_stride": 2, "page_stride": 16_896}, {"pool_byte_step": 2}),
        ({"lengths_stride": 0}, {"lens_layout": "one_for_all"}),
        ({"table_stride": 0}, {"table_layout": "one_row_for_all"}),
        ({"lengths_stride": 7}, None),
        ({"page_stride": 100}, None),
    ],
)
def test_a_row_says_how_tensors_lie_or_is_none(strides, says):
    text = row_of(replace(EXAMPLE, numbers={**NUMBERS, **strides}), Rule.STRIDES, "get_k")
    row = eval(text.rstrip(","), {"Case": Case}) if text else None
    assert (row is None) == (says is None)
    assert all(getattr(row, name) == value for name, value in (says or {}).items())


def test_a_row_has_pages_for_all_of_its_tokens():
    reads = [("seq_lens", 0, 8, 130), ("seq_lens", 8, 8, 65)]
    example = replace(EXAMPLE, numbers={**NUMBERS, "num_pages": 1, "max_seq_len": 130}, reads=reads)
    row = eval((row_of(example, Rule.DISAGREEMENT, "get_k") or "").rstrip(","), {"Case": Case})
    assert row.num_pages == 5


@pytest.mark.parametrize(("width", "says"), [(1, (0, None)), (2, (1, None)), (5, (1, 5))])
def test_a_row_has_no_column_that_the_counterexample_has_not(width, says):
    reads = [("seq_lens", 0, 8, 1), ("page_indices", 0, 4, 3), ("page_indices", 4, 4, 3)]
    example = replace(EXAMPLE, numbers={**NUMBERS, "batch": 1, "max_pages": width, "table_stride": width}, reads=reads)
    row = eval((row_of(example, Rule.BIG_ADDRESSES, "get_k") or "").rstrip(","), {"Case": Case})
    assert (row.spare_columns, row.table_width) == says
    assert plan(row).max_pages == width
