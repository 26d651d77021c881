"""Sequences of calls: what an implementation keeps from one must not be seen in another."""

from typing import Any

from tests.cases.case import Case, family

QUESTION = "memory"
MANY = 18
"""Calls whose results are all held: more than any ring of results has places."""


def _call(*seq_lens: int, **more: Any) -> Case:
    """Return one call of a sequence. Geometries and layouts other than production's may be refused."""
    rules = {
        9: {"page_size", "index_head_dim"},
        10: {"pool_offset", "pool_row_gap", "table_layout", "lens_layout"},
        3: {"table_dtype", "lens_dtype"},
    }
    special = tuple(rule for rule, fields in rules.items() if fields & set(more))
    return Case(name="call", rules=special or (4,), seq_lens=seq_lens, **more)


def _calls(name: str, *calls: Case, rules: tuple[int, ...] = ()) -> Case:
    """Return a sequence of calls that begins and ends with the usual one."""
    return Case(name=name, rules=(7, *rules), calls=(USUAL, *calls, USUAL))


def _unusual(*changes: dict[str, Any]) -> list[Case]:
    return [_call(70, 5, **change) for change in changes]


USUAL = _call(70, 5)
LENGTHS = ((300, 130), (40, 400, 1), (64, 3), (), (1, 1), (130, 260, 9), (600, 2))
TABLES_AND_POOLS = _unusual(
    {"spare_columns": 9},
    {"num_pages": 90, "pages_from": 60},
    {"table_dtype": "int64"},
    {"lens_dtype": "int32"},
    {"tail": "huge"},
)
GEOMETRIES = _unusual(
    {"page_size": 16},
    {"page_size": 128},
    {"index_head_dim": 64},
    {"index_head_dim": 256},
    {"page_size": 32, "index_head_dim": 96},
)
STRIDES = _unusual(
    {"table_layout": "transposed"},
    {"table_layout": "sliced"},
    {"lens_layout": "every_other"},
    {"pool_row_gap": 16},
    {"pool_offset": 1},
)

CASES = family(
    "state",
    [
        _calls("lengths", *(_call(*seq_lens) for seq_lens in LENGTHS)),
        _calls("tables-and-pools", *TABLES_AND_POOLS, rules=(3,)),
        _calls("geometries", *GEOMETRIES, rules=(9,)),
        _calls("strides", *STRIDES, rules=(10,)),
        Case(name="many-calls", rules=(7,), calls=(_call(5, 3),) * MANY),
    ],
)
