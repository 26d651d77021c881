"""Do logits differ where a gather, the writer or the oracle is wrong, and only there?"""

import pytest
import torch

from reference import quantised
from reference.layout import LAYOUTS
from tests.calls import inputs
from tests.calls.implementations import Implementation, load_implementation
from tests.cases.catalogue import catalogue
from tests.contract import Contract, Rule
from tests.examine.logits import DRAFTS, LogitsExamination

CASE = next(case for case in catalogue(seed_count=0) if case.id == "logits/short")
GATHER = load_implementation("torch").functions


def found(examiner, change=lambda k, s: None):
    def get_k_and_s(*arguments):
        k, s = GATHER["get_k_and_s"](*arguments)
        change(k, s)
        return k, s

    changed = Implementation("changed", {"get_k_and_s": get_k_and_s})
    return examiner.examine(CASE, changed, Contract.TRUSTING).findings


def test_a_right_gather_is_clean(examiner):
    assert not found(examiner)
    assert not examiner.examine(CASE, load_implementation("torch"), Contract.TRUSTING).findings


@pytest.mark.parametrize("rows", [([7], [8]), ([0], [1])])
@pytest.mark.parametrize("part", [0, 1])
def test_one_row_or_scale_that_moved_is_told(rows, part, examiner):
    to, source = rows

    def move(*parts):
        parts[part][to] = parts[part][source]

    (finding,) = found(examiner, move)
    assert finding.rule is Rule.BYTES
    assert f"that of token {to[0]} is" in finding.message


def test_the_least_bit_of_a_scale_is_told(examiner):
    def change(k, s):
        s[9, 0] ^= 1

    (finding,) = found(examiner, change)
    assert finding.message.startswith("after chunk 1 of 3, sequence 0: ")


def test_rows_that_no_query_looks_at_are_not(examiner):
    def change(k, s):
        k[-DRAFTS:], s[-DRAFTS:] = 0x55, 0x55

    assert not found(examiner, change)


def test_an_error_of_the_writer_is_told(examiner, monkeypatch):
    right = quantised.write
    monkeypatch.setattr(inputs, "pool_on_host", inputs.pool_on_host.__wrapped__)  # none of another test's
    monkeypatch.setattr(quantised, "write", lambda pool, slots, k, s, *more: right(pool, slots, k, s.roll(1, 0), *more))
    assert found(examiner)


def test_an_error_of_the_oracle_is_told(examiner, monkeypatch):
    right = LogitsExamination._unpaged

    def wrong(self, contents):
        unpaged = right(self, contents)
        return {**unpaged, "S": unpaged["S"].roll(1, 0)}

    monkeypatch.setattr(LogitsExamination, "_unpaged", wrong)
    assert found(examiner)


@pytest.mark.parametrize("layout", LAYOUTS.values())
def test_the_writer_puts_tokens_where_pages_of_a_layout_have_them(layout):
    slots = torch.randperm(3 * 64)
    k, s = quantised.quantised(quantised.keys_of(slots, 128, 5))
    pool = torch.zeros(3, layout.page_bytes(64, 128), dtype=torch.uint8)
    quantised.write(pool, slots, k, s, 64, layout)
    in_order = slots.argsort()
    held = layout.pages_of(k[in_order], s[in_order], 64)
    behind = 64 * 132
    assert torch.equal(pool[:, :behind], held[:, :behind])


def test_quantised_keys_are_near_the_keys():
    keys = quantised.keys_of(torch.arange(100), 128, 3)
    k, s = quantised.quantised(keys)
    near = quantised.dequantised_keys(k) * s.view(torch.float32)
    assert (near - keys).abs().max(dim=1).values.div(keys.abs().amax(dim=1)).max() < 0.04
    assert len(s.view(torch.float32).unique()) == 100
