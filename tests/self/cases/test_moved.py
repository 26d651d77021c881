"""Does the catalogue keep its points in another geometry?"""

import pytest

from tests.cases.catalogue import catalogue
from tests.cases.moved import PRODUCTION, Geometry, moved
from tests.cases.plan import num_pages_of, plan
from tests.contract import Contract
from tests.examine.choice import reason_to_skip

USUAL = {case.id: case for case in catalogue()}
GEOMETRIES = [Geometry(1), Geometry(16), Geometry(128), Geometry(48, 64), Geometry(64, 128, "tiles")]


def at(geometry, name):
    return moved(USUAL[name], geometry)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_more_than_150_cases_can_be_made_on_a_cpu(geometry):
    cases = [moved(case, geometry) for case in USUAL.values()]
    run = [case for case in cases if not reason_to_skip(case, device="cpu", contract=Contract.SAFE, quick=True)]
    assert len(run) > 150
    for case in (call for of in run for call in of.calls or (of,)):
        if case.grows is None:
            contents = plan(case)
            assert contents.page_table.shape[1] * case.page_size >= max(case.seq_lens, default=0), case.id


def test_production_is_what_a_row_does_not_say():
    assert [moved(case, PRODUCTION) for case in USUAL.values()] == list(USUAL.values())


@pytest.mark.parametrize(
    ("size", "lengths"),
    [(1, (0, 1, 63, 64, 65, 127)), (16, (0, 1, 63, 64, 65, 127)), (128, (0, 1, 127, 128, 129, 255))],
)
def test_lengths_are_as_far_from_the_ends_of_pages(size, lengths):
    assert at(Geometry(size), "lengths/boundaries-together").seq_lens[:6] == lengths


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_pages_are_as_far_from_a_wrap_and_from_the_pools_end(geometry):
    case = at(geometry, "pools/past-2-gib")
    assert sorted(page - 2**31 // case.page_bytes for page in set(case.page_at.values()) - {0}) == [-1, 0, 1]
    assert num_pages_of(at(geometry, "pools/last-page-past-2-gib")) * case.page_bytes > 2**31
    invalid = at(geometry, "invalid-pages/minus-three")
    assert {page - num_pages_of(invalid) for page in invalid.page_at.values() if page > 0} >= {1}
    exactly = at(geometry, "pools/page-at-2-gib-exactly")
    assert exactly.page_pitch * exactly.page_at[0, 1] == 2**31


def test_what_a_row_says_of_its_pages_it_keeps():
    assert at(Geometry(16), "geometries/page-48-head-dim-96").page_size == 48
    case = at(Geometry(16), "geometries/head-dim-96")
    assert (case.page_size, case.index_head_dim, 9 in case.rules) == (16, 96, True)


def test_the_geometry_that_is_asked_for_is_no_other():
    assert 9 not in at(Geometry(1), "geometries/page-1").rules
    assert 9 in at(Geometry(1), "geometries/page-16").rules


def test_what_host_and_device_disagree_on_stays():
    case = at(Geometry(128), "disagreement/max-zero")
    assert case.max_seq_len == 0
    case = at(Geometry(128), "lengths/max-as-far-as-the-table")
    assert case.max_seq_len == 5 * 128


def test_pages_that_a_layout_does_not_have_are_told():
    case = at(Geometry(64, 128, "tiles"), "geometries/page-7")
    why = reason_to_skip(case, device="cpu", contract=Contract.SAFE, quick=False)
    assert why == "no such pages: 7 tokens of 128 bytes in tiles of 16x16"
