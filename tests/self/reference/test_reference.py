"""Are the oracles right, and independent of what they judge?"""

import ast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reference.byte_loop import gather_by_bytes
from reference.coded_pool import coded_pages, coded_rows, decode_k, decode_s
from reference.indexing import gather_slots, needed_slots
from reference.layout import LAYOUTS, places
from tests import ROOT
from tests.cases.catalogue import catalogue
from tests.cases.plan import plan

SMALL = [c for c in catalogue() if sum(c.seq_lens) <= 200 and (c.num_pages or 0) < 1_000 and c.content == "coded"]


def test_byte_loop_against_bytes_written_by_hand():
    # Two pages of two tokens, four bytes a key: K of both tokens, then S of both.
    pool = np.array(
        [
            [0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0xA0, 0xA1, 0xA2, 0xA3, 0xB0, 0xB1, 0xB2, 0xB3],
            [0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0xC0, 0xC1, 0xC2, 0xC3, 0xD0, 0xD1, 0xD2, 0xD3],
        ],
        dtype=np.uint8,
    )
    k, s = gather_by_bytes(pool, np.array([[1, 0], [0, 9], [9, 9]]), np.array([3, 1, 0]), 2, 4)
    assert k.tolist() == [
        [0x20, 0x21, 0x22, 0x23],
        [0x24, 0x25, 0x26, 0x27],
        [0x10, 0x11, 0x12, 0x13],
        [0x10, 0x11, 0x12, 0x13],
    ]
    assert s.tolist() == [
        [0xC0, 0xC1, 0xC2, 0xC3],
        [0xD0, 0xD1, 0xD2, 0xD3],
        [0xA0, 0xA1, 0xA2, 0xA3],
        [0xA0, 0xA1, 0xA2, 0xA3],
    ]


def test_byte_loop_leaves_rows_of_invalid_pages_zero():
    pool = np.full((1, 2 * 8), 7, dtype=np.uint8)
    k, s = gather_by_bytes(pool, np.array([[-1, 0, 1]]), np.array([6]), 2, 4)
    assert k.any(axis=1).tolist() == s.any(axis=1).tolist() == [False, False, True, True, False, False]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in SMALL])
def test_oracles_agree(case):
    contents = plan(case)
    size, dim = case.page_size, case.index_head_dim
    pool = coded_pages(torch.arange(contents.num_pages), size, dim, contents.content_seed)
    table, lens = torch.from_numpy(contents.page_table), torch.from_numpy(contents.seq_lens)

    slots = needed_slots(table, lens, size, contents.num_pages)
    assert slots.tolist() == contents.row_slots.tolist()
    by_bytes = gather_by_bytes(pool.numpy(), contents.page_table, contents.seq_lens, size, dim)
    by_index = gather_slots(pool, slots, size, dim)
    by_code = coded_rows(slots, dim, contents.content_seed)
    for loop, index, code in zip(by_bytes, by_index, by_code, strict=True):
        assert torch.equal(torch.from_numpy(loop), index)
        assert torch.equal(index, code)


def _place(layout, size, dim, token, lane):
    """Where a byte lies, in the words of those who wrote such pools; lanes past the key are the scale's."""
    if layout == "interleaved":
        return token * (dim + 4) + lane
    if lane >= dim:
        return size * dim + token * 4 + lane - dim
    if layout == "tiles":
        return token // 16 * 16 * dim + lane // 16 * 256 + token % 16 * 16 + lane % 16
    return token * dim + lane


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_by_hand(layout):
    size, dim = 32, 48
    k, s = places(layout, size, dim)
    told = [[*k[token].tolist(), *s[token].tolist()] for token in range(size)]
    assert told == [[_place(layout, size, dim, token, lane) for lane in range(dim + 4)] for token in range(size)]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_pool_of_a_layout_holds_its_rows(layout):
    slots = torch.tensor([5, 0, 95, 64, -1])
    pool = coded_pages(torch.arange(3), 32, 48, 1, layout)
    assert pool.shape == (3, layout.page_bytes(32, 48))
    for held, code in zip(gather_slots(pool, slots, 32, 48, layout), coded_rows(slots, 48, 1), strict=True):
        assert torch.equal(held, code)


@given(
    slots=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20),
    index_head_dim=st.integers(1, 128).map(lambda words: 4 * words),
    seed=st.integers(0, 1_000),
)
def test_codes_tell_their_slot(slots, index_head_dim, seed):
    expected = torch.tensor(slots)
    k, s = coded_rows(expected, index_head_dim, seed)
    assert torch.equal(decode_k(k, seed), expected[:, None].expand(-1, index_head_dim // 4))
    assert torch.equal(decode_s(s, index_head_dim, seed), expected)


def test_every_byte_of_a_code_depends_on_its_slot():
    k, s = coded_rows(torch.arange(4_096), 128, seed=1)
    for lane in [*k.unbind(1), *s.unbind(1)]:
        assert len(lane.unique()) == 256
    neighbours = (k[1:] == k[:-1]).float().mean()
    assert neighbours < 0.01  # 1 in 256 by chance


def test_codes_of_other_seeds_and_lanes_differ():
    slots = torch.arange(100)
    k, _ = coded_rows(slots, 128, seed=1)
    other, _ = coded_rows(slots, 128, seed=2)
    assert (k == other).float().mean() < 0.02
    assert not (decode_k(k.roll(4, 1), 1) == slots[:, None]).any()


def test_a_key_of_no_whole_words_is_refused():
    with pytest.raises(ValueError, match="index_head_dim"):
        coded_rows(torch.arange(2), 6, seed=0)


@pytest.mark.parametrize("room", ["reference", "tests/cases"])
def test_room_shares_no_code_with_the_kernels(room):
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not [name for name in names if name.split(".")[0] in ("kernels", "triton")], path


def test_kernels_share_no_code_with_the_oracles():
    for path in (ROOT / "kernels").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        assert not [module for module in modules if module.split(".")[0] in ("reference", "tests")], path
