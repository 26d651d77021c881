"""Is the catalogue sound: names, rules, sizes, and what it takes to add a case?"""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests import ROOT
from tests.cases.case import Case, family
from tests.cases.catalogue import catalogue
from tests.cases.plan import FILL_WHOLE_POOL_BELOW_BYTES, SPARE_PAGES, num_pages_of, plan
from tests.cases.seeds import random_case
from tests.contract import Contract, Rule
from tests.examine.choice import matching, reason_to_skip
from tests.self import commands

CASES = catalogue()
ON_CPU = [case for case in CASES if not case.needs_gpu]
GIB = 2**30


def test_ids_are_unique():
    assert [name for name, count in Counter(case.id for case in CASES).items() if count > 1] == []


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in ON_CPU])
def test_case_is_sound(case):
    first, second = plan(case), plan(case, variation=1)
    assert first.page_table.shape[1] * case.page_size >= case.max_seq_len or case.bad
    assert len(first.row_slots) == sum(case.seq_lens)
    # Further contents keep all that the host knows.
    assert first.num_pages == second.num_pages
    assert first.seq_lens.sum() == second.seq_lens.sum()
    assert first.page_table.shape == second.page_table.shape
    assert resident_bytes(case) <= 6 * GIB


def resident_bytes(case: Case) -> int:
    """Return a bound of the memory that a case touches on the CPU: pages named, and three sets of results and sums."""
    page = case.page_pitch
    whole_pool = num_pages_of(case) * page
    touched = min(whole_pool, max(1 << 24, (4 * sum(case.pages_needed) + 1_000) * max(page, 1 << 12)))
    rows = case.seq_len_sum * (case.index_head_dim + 4)
    return touched + 40 * min(rows, 1 << 25) + 6 * rows


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_addresses_past_2_gib_are_rule_12(case):
    pool = num_pages_of(case) * case.page_pitch
    table = len(case.seq_lens) * (case.table_width or 0)
    result = case.seq_len_sum * case.index_head_dim
    assert max(pool, table, result) <= 2**31 or 12 in case.rules


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_what_may_be_refused_says_so(case):
    """Geometries and layouts other than production's are promised from the safe level on, and may be refused."""
    if case.bad or case.rows_are_open:
        return
    odd_geometry = (case.page_size, case.index_head_dim) != (64, 128)
    layouts = {case.table_layout, case.lens_layout}
    odd_layout = layouts != {"contiguous"} or case.pool_offset or case.pool_row_gap or case.pool_byte_step > 1
    assert not odd_geometry or 9 in case.rules
    assert not odd_layout or 10 in case.rules


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rules": ()}, "rules: one at least"),
        ({"rules": (4, 44)}, r"rules: numbers from 1 to 20, got \(4, 44\)"),
        ({"rules": (4, 4)}, "rules: each once"),
        ({"name": "Odd Name"}, "a name of lower-case words"),
        ({"name": "a[b]*"}, "a name of lower-case words"),
        ({"family": "of_two"}, "a name of lower-case words"),
        ({"device_seq_lens": (3, 1)}, "rules: 13"),
        ({"seq_len_sum_error": -1}, "rules: 13"),
        ({"seq_lens": (4, -1)}, "seq_lens: no negative"),
        ({"rules": (13,), "device_seq_lens": (3, 4, 5)}, "device_seq_lens: as many"),
        ({"page_size": 0}, "page_size: 1 or more"),
        ({"index_head_dim": 6}, "index_head_dim: a multiple of 4"),
        ({"pool_row_gap": -4}, "pool_row_gap"),
        ({"page_at": {(2, 0): 5}}, "page_at"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_by_name(change, says):
    case = Case(name="one-row", rules=(4,), seq_lens=(64, 3), family="odd")
    with pytest.raises(ValueError, match=rf"case .*: expected .*{says}"):
        replace(case, **change)


def test_rows_know_their_rules_by_name():
    assert Case(name="x", rules=(4, 9)).rules == (Rule.LENGTHS, Rule.GEOMETRIES)
    with pytest.raises(ValueError, match="case odd/one-row: "):
        Case(name="one-row", family="odd", rules=())


def test_every_rule_of_memory_and_values_has_a_case():
    covered = {rule for case in CASES for rule in case.rules}
    assert covered >= {1, 3, 4, 5, 9, 10, 11, 12, 13, 14, 18}


def test_wrong_pages_show():
    """An identity page table or a pool without spare pages would hide a wrong page."""
    for case in ON_CPU:
        if case.num_pages is None:
            assert num_pages_of(case) >= SPARE_PAGES
        contents = plan(case)
        for pages, needed in zip(contents.page_table, case.pages_needed, strict=True):
            if needed > 3 and case.pages == "shuffled" and not case.page_at:
                assert not np.array_equal(pages[:needed], np.arange(needed)), case.id


@pytest.mark.parametrize("name", ["pools/past-8-gib", "lengths/page", "workloads/page-1-long"])
def test_pages_where_a_wrong_address_arrives_hold_contents(name):
    case = next(case for case in catalogue(seed_count=0) if case.id == name)
    contents = plan(case)
    named = {page for page in contents.page_table.flatten().tolist() if 0 <= page < contents.num_pages}
    row = case.page_pitch
    arrives = {page * row % 2**bits // row + after for page in named for bits in (31, 32, 33) for after in (0, 1)}
    arrives |= {page + step for page in named for step in (-1, 0, 1)}
    if contents.num_pages * case.page_bytes > FILL_WHOLE_POOL_BELOW_BYTES:
        assert contents.filled_pages.tolist() == sorted(page for page in arrives if 0 <= page < contents.num_pages)
    else:
        assert contents.filled_pages.tolist() == list(range(contents.num_pages))


def test_seeds_are_reproducible():
    assert random_case(7) == random_case(7)
    assert random_case(7) != random_case(8)


def test_a_pool_too_small_for_its_sequences_is_refused():
    with pytest.raises(ValueError, match="num_pages"):
        plan(Case(name="too-small", rules=(1,), seq_lens=(640,), num_pages=3))


@pytest.mark.parametrize(
    ("change", "where", "reason"),
    [
        ({}, {}, None),
        ({"rules": (11,)}, {"contract": Contract.TRUSTING}, "not promised"),
        ({"needs_gpu": "too long"}, {}, "needs a GPU: too long"),
        ({"needs_gpu": "too long"}, {"device": "cuda"}, None),
        ({"heavy": True}, {"quick": True}, "heavy"),
        ({"heavy": True}, {"quick": True, "device": "cuda"}, None),
    ],
)
def test_every_case_left_out_has_a_reason(change, where, reason):
    case = replace(Case(name="x", rules=(1,)), **change)
    told = reason_to_skip(case, **{"device": "cpu", "contract": Contract.STRICT, "quick": False, **where})
    assert told is None if reason is None else reason in str(told)


def test_patterns_select_by_family_and_name():
    cases = family("f", [Case(name="a", rules=(1,)), Case(name="b", rules=(1,))])
    assert [case.id for case in matching(cases, ["f/a"])] == ["f/a"]
    assert len(matching(cases, ["f/*"])) == len(matching(cases, [])) == 2


def test_a_new_row_runs_on_every_function(tmp_path):
    """Adding a case is one row: planted in the first family's file, it is examined and catches a wrong kernel."""
    row = 'CASES += family("lengths", [Case(name="brand-new", rules=(4,), seq_lens=(91, 92))])\n'
    plugin = tmp_path / "one_more_row.py"
    plugin.write_text(
        "from tests.cases import lengths\nfrom tests.cases.case import Case, family\nCASES = lengths.CASES\n" + row
    )
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import torch\n"
        "def get_k(*a): return torch.zeros(a[3], a[6], dtype=torch.uint8)\n"
        "def get_s(*a): return torch.zeros(a[3], 4, dtype=torch.uint8)\n"
        "def get_k_and_s(*a): return get_k(*a), get_s(*a)\n"
    )
    words = ["-m", "pytest", "-p", "one_more_row", "-p", "no:cacheprovider", "-n", "0", "-q"]
    words += ["tests/test_values.py", "--device", "cpu", "--case", "lengths/brand-new"]
    clean, broken = (
        commands.python(*words, *more, PYTHONPATH=f"{tmp_path}:{ROOT}") for more in ((), ("--impl", wrong))
    )
    assert "1 passed" in clean.stdout, clean.stdout + clean.stderr
    assert "1 failed" in broken.stdout, broken.stdout + broken.stderr
    for function in ("get_k_and_s", "get_k", "get_s"):
        assert f"lengths/brand-new, {function}: 183 of 183 rows" in broken.stdout
