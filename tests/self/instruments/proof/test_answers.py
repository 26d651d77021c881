"""Is what is right proved, and what is wrong not: on small kernels, and on walkers that were made wrong?"""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)

import z3

from tests.contract import Rule
from tests.instruments.proof import answers, elementwise, shapes, walk
from tests.instruments.proof.answers import Answer, answered
from tests.instruments.proof.launch import TERMS
from tests.instruments.proof.values import Value
from tests.self.instruments.proof.launches import (
    READ_IN_32_BITS,
    READ_ONE,
    READ_TILE,
    READ_WHERE_A_NUMBER_SAYS,
    WRITE_TOTAL,
    launch,
)

SETTING = {
    "page_size": 64,
    "index_head_dim": 128,
    "table_dtype": "int32",
    "lens_dtype": "int64",
    "misaligned": 0,
    "choice": 0,
}
TILES = z3.simplify((TERMS["batch"] + 63) / 64)


@pytest.fixture(autouse=True)
def _few_attempts(monkeypatch):
    """Look for proofs, and not for counterexamples."""
    monkeypatch.setattr(answers, "FEW_SEQUENCES", (1,))
    monkeypatch.setattr(answers, "MOST_CANDIDATES", 0)


def all_proved(body: str, *conditions: Any, grid: Any = TERMS["batch"]) -> bool:
    verdicts = answered([launch(body, *conditions, grid=grid)], SETTING, set())
    assert verdicts
    return all(verdict.answer is Answer.PROVED for verdict in verdicts)


RIGHT: list[tuple[str, Any]] = [
    (READ_ONE, TERMS["batch"]),
    (READ_TILE, TILES),
    (WRITE_TOTAL, TILES),
    (READ_WHERE_A_NUMBER_SAYS, TERMS["batch"]),
]


@pytest.mark.parametrize(("body", "grid"), RIGHT, ids=("one", "tile", "total", "where a number says"))
def test_what_is_right_is_proved(body, grid):
    assert all_proved(body, grid=grid)


def test_what_holds_on_each_way_of_the_host_is_known():
    rows, batch = TERMS["seq_len_sum"], TERMS["batch"]
    ways = [launch(READ_ONE, way, grid=rows) for way in (rows < batch, rows == batch)]
    assert all(verdict.answer is Answer.PROVED for verdict in answered(ways, SETTING, set()))
    ways.append(launch(READ_ONE, rows == batch + 1, grid=rows))
    assert not all(verdict.answer is Answer.PROVED for verdict in answered(ways, SETTING, set()))


WRONG = {
    "one program too many": (READ_ONE, TERMS["batch"] + 1),
    "a mask that lets one lane too many through": (READ_TILE.replace("slt", "sle"), TILES),
    "no mask": (READ_TILE.replace("%a, %m, %z", "%a"), TILES),
    "a product in 32 bits": (READ_IN_32_BITS, TERMS["batch"]),
    "an element before the first": (
        READ_TILE.replace("start = 0", "start = -1").replace("end = 64", "end = 63"),
        TILES,
    ),
    "a store that is not masked": (WRITE_TOTAL.replace("%d, %byte, %ok", "%d, %byte"), TILES),
    "a mask of one row too many": (WRITE_TOTAL.replace("slt, %low", "sle, %low"), TILES),
    "a number that is written before it is read again": (
        READ_WHERE_A_NUMBER_SAYS.replace("%again", "tt.store %a, %w : !tt.ptr<i64>\n%again", 1),
        TERMS["batch"],
    ),
    "undefined lanes that are summed": (WRITE_TOTAL.replace("%a, %m, %z", "%a, %m"), TILES),
}


@pytest.mark.parametrize(("body", "grid"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_not_proved(body, grid):
    assert not all_proved(body, grid=grid)


def test_undefined_lanes_break_rule_15_alone():
    verdicts = answered([launch(WRITE_TOTAL.replace("%a, %m, %z", "%a, %m"), grid=TILES)], SETTING, set())
    assert {verdict.rule for verdict in verdicts if verdict.answer is not Answer.PROVED} == {Rule.UNDEFINED}


def test_a_contradiction_proves_nothing():
    verdicts = answered([launch(READ_ONE, TERMS["batch"] < 0)], SETTING, set())
    assert {verdict.answer for verdict in verdicts} == {Answer.NOT_DECIDED}
    assert "contradict" in verdicts[0].reason


@pytest.mark.parametrize(
    "line",
    [
        "%u = math.absi %p : i32",
        "%u = tt.atomic_rmw add, acq_rel, gpu, %a, %v, %m : (!tt.ptr<i64>, i64, i1) -> i64",
        "%u = tt.histogram %v : tensor<64xi64> -> tensor<64xi32>",
        "%u = tt.ptr_to_int %lens : !tt.ptr<i64> -> i64",
    ],
)
def test_what_has_no_model_is_refused_aloud(line):
    body = READ_ONE + "%m = arith.constant true\n" + line
    verdicts = answered([launch(body)], SETTING, set())
    assert {verdict.answer for verdict in verdicts} == {Answer.NOT_DECIDED}
    assert line.split()[2].rstrip(",") in verdicts[0].reason


def _never_wrap(monkeypatch):
    monkeypatch.setattr(
        walk.Walk, "exact", lambda self, shape, width, at, undefined: Value(shape, width, at, undefined)
    )


def _shift_lanes(monkeypatch):
    plain = shapes.SHAPES["tt.make_range"]

    def shifted(operation):
        value = plain(operation)
        return Value(value.shape, 32, lambda lane: z3.simplify(value.at(lane) + 1))

    monkeypatch.setattr(walk, "SHAPES", {**shapes.SHAPES, "tt.make_range": shifted})


def _turn_comparisons(monkeypatch):
    plain = elementwise.compared
    turned = {"slt": "sle"}.get
    monkeypatch.setattr(
        elementwise, "compared", lambda predicate, *given: plain(turned(predicate) or predicate, *given)
    )


def _assume_defined(monkeypatch):
    monkeypatch.setattr(Value, "undefined", lambda self, *lane: z3.BoolVal(False))


def _drop_masks(monkeypatch):
    plain = walk.Walk._access

    def unmasked(self, operation):
        del operation.operands[1 if operation.name == "tt.load" else 2 :]
        plain(self, operation)

    monkeypatch.setattr(walk.Walk, "_access", unmasked)


def _shorten_memory(monkeypatch):
    plain = walk.Walk._extent

    def shorter(self, tensor):
        extent = plain(self, tensor)
        return type(extent)(extent.bytes - 1, extent.is_empty)

    monkeypatch.setattr(walk.Walk, "_extent", shorter)


MUTATIONS = {
    "wraps forgotten": _never_wrap,
    "undefined lanes forgotten": _assume_defined,
    "lanes shifted": _shift_lanes,
    "comparisons turned": _turn_comparisons,
    "memory a byte shorter": _shorten_memory,
    "masks dropped": _drop_masks,
}


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_a_wrong_walker_is_seen(mutation, monkeypatch):
    """Each mutation of the walker changes the answer to one of the questions above."""
    mutation(monkeypatch)
    is_as_it_was = (
        all(all_proved(body, grid=grid) for body, grid in RIGHT)
        and not all_proved(WRITE_TOTAL.replace("%a, %m, %z", "%a, %m"), grid=TILES)
        and not all_proved(READ_IN_32_BITS)
    )
    assert not is_as_it_was


@pytest.mark.parametrize("release", ["3_6", "3_7"])
def test_what_releases_of_triton_print_is_read(release):
    """Of a kernel that sums 64 lengths and writes a byte at the sum, `recorded/` has the IR."""
    text = (Path(__file__).parent / "recorded" / f"triton_{release}.ttir").read_text(encoding="utf-8")
    small = replace(launch("", grid=TILES), ir=text)
    verdicts = answered([small], SETTING, set())
    assert {verdict.answer for verdict in verdicts} == {Answer.PROVED}
    assert {verdict.place for verdict in verdicts} == {"small.py:5", "small.py:9"}
    wrong = replace(small, ir=text.replace("cmpi sge", "cmpi sgt"))
    assert Answer.NOT_DECIDED in {verdict.answer for verdict in answered([wrong], SETTING, set())}
