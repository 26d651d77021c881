"""Do calls that mean the same have to return the same, and is each relation told by a gather that breaks it?"""

from typing import get_args

import pytest
import torch

from tests.calls.implementations import Implementation, load_implementation
from tests.cases.case import Case, Relation
from tests.contract import Contract, Rule
from tests.planted.bugs.bug import BASE

RELATIONS = get_args(Relation)


def next_page(k, a):
    """Return what lies one page on, so that the numbers of pages matter."""
    return load_implementation(str(BASE)).functions["get_k"](a[0], ((a[1] + 1) % a[0].shape[0]).to(a[1].dtype), *a[2:])


def last_row_of_a_large_batch(k, a):
    k[-1:] = 0 if len(a[2]) > 3 else k[-1:]
    return k


def last_row(k, a):
    k[-1:] = 0
    return k


def page_that_is_not_needed(k, a):
    return k ^ a[0][:, 0].sum().to(torch.uint8)


FAULTS = {
    "pages_permuted": next_page,
    "split": last_row_of_a_large_batch,
    "appended": last_row,
    "garbage": page_that_is_not_needed,
    "reversed": last_row,
}


def case_of(relation, **more):
    return Case(
        **{"name": "one", "family": "related", "rules": (4,), "seq_lens": (70, 3, 0, 65), **more, "relation": relation}
    )


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"seq_lens": ()},
        {"rules": (10, 9, 11), "page_size": 3, "num_pages": 60, "page_at": {(0, 1): -1}, "table_layout": "transposed"},
        {"pages": "shared_prefix", "tail": "huge", "lens_dtype": "int32", "max_seq_len_error": 60},
    ],
)
def test_right_gathers_are_clean(relation, more, examiner):
    for gather in (examiner.implementation, load_implementation(str(BASE))):
        assert examiner.examine(case_of(relation, **more), gather).is_clean


@pytest.mark.parametrize("relation", RELATIONS)
def test_each_relation_is_broken_by_a_gather(relation, examiner):
    right = load_implementation(str(BASE)).functions["get_k"]
    wrong = Implementation("wrong", {"get_k": lambda *a: FAULTS[relation](right(*a), a)})
    (finding,) = examiner.examine(case_of(relation), wrong, Contract.TRUSTING).findings
    assert finding.rule is Rule.LENGTHS
    assert "rows of K are unlike those" in finding.message
