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


USUAL = _call(70, 5)

CASES = family(
    "state",
    [
        Case(
            name="lengths",
            rules=(7,),
            calls=(
                USUAL,
                _call(300, 130),
                _call(40, 400, 1),
                _call(64, 3),
                _call(),
                _call(1, 1),
                _call(130, 260, 9),
                _call(600, 2),
                USUAL,
            ),
        ),
        Case(
            name="tables-and-pools",
            rules=(7, 3),
            calls=(
                USUAL,
                _call(70, 5, spare_columns=9),
                _call(70, 5, num_pages=90, pages_from=60),
                _call(70, 5, table_dtype="int64"),
                _call(70, 5, lens_dtype="int32"),
                _call(70, 5, tail="huge"),
                USUAL,
            ),
        ),
        Case(
            name="geometries",
            rules=(7, 9),
            calls=(
                USUAL,
                _call(70, 5, page_size=16),
                _call(70, 5, page_size=128),
                _call(70, 5, index_head_dim=64),
                _call(70, 5, index_head_dim=256),
                _call(70, 5, page_size=32, index_head_dim=96),
                USUAL,
            ),
        ),
        Case(
            name="strides",
            rules=(7, 10),
            calls=(
                USUAL,
                _call(70, 5, table_layout="transposed"),
                _call(70, 5, table_layout="sliced"),
                _call(70, 5, lens_layout="every_other"),
                _call(70, 5, pool_row_gap=16),
                _call(70, 5, pool_offset=1),
                USUAL,
            ),
        ),
        Case(name="many-calls", rules=(7,), calls=(_call(5, 3),) * MANY),
    ],
)
