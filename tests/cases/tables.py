"""Page tables: dtypes, layouts in memory, what stands past a sequence's last page, and how pages are shared."""

from typing import Any

from tests.cases.case import Case, family

QUESTION = "values"


def _tail(name: str, **more: Any) -> Case:
    return Case(name=f"tail-{name}", rules=(5,), seq_lens=(1, 200, 65), spare_columns=4, **more)


def _laid(name: str, *seq_lens: int, rules: tuple[int, ...] = (10,), **more: Any) -> Case:
    return Case(name=name, rules=rules, seq_lens=seq_lens or (200, 65, 130), **more)


CASES = family(
    "tables",
    [
        Case(name="int32-lens-int32", rules=(3,), seq_lens=(100, 30, 64), lens_dtype="int32"),
        Case(name="int32-lens-int64", rules=(3,), seq_lens=(100, 30, 64)),
        Case(name="int64-lens-int32", rules=(3,), seq_lens=(100, 30, 64), table_dtype="int64", lens_dtype="int32"),
        Case(name="int64-lens-int64", rules=(3,), seq_lens=(100, 30, 64), table_dtype="int64"),
        # What stands past a sequence's last page.
        _tail("stale"),
        _tail("minus-one", tail="minus_one"),
        _tail("huge", tail="huge"),
        _tail("int-min", tail="int_min"),
        _tail("huge-int64", tail="huge", table_dtype="int64"),
        _tail("int-min-int64", tail="int_min", table_dtype="int64"),
        Case(name="empty-sequence-among-huge", rules=(5, 4), seq_lens=(0, 65, 0), tail="huge"),
        Case(name="no-spare-column", rules=(5, 4), seq_lens=(130, 64), spare_columns=0),
        Case(name="one-column", rules=(4,), seq_lens=(64, 3, 64), spare_columns=0),
        Case(name="much-wider-than-needed", rules=(5,), seq_lens=(65, 3), spare_columns=300, tail="huge"),
        # How pages lie in the pool, and how sequences share them.
        Case(name="page-zero", rules=(4,), seq_lens=(64, 64), page_at={(0, 0): 0}),
        Case(name="last-page", rules=(4,), seq_lens=(64, 64), num_pages=9, page_at={(1, 0): 8}),
        Case(
            name="ascending",
            rules=(4,),
            seq_lens=(200, 300, 64),
            num_pages=20,
            page_at={(0, j): 1 + j for j in range(4)} | {(1, j): 5 + j for j in range(5)} | {(2, 0): 10},
        ),
        Case(name="reversed", rules=(4,), seq_lens=(200, 300), pages="reversed"),
        Case(name="one-page-for-all", rules=(4,), seq_lens=(200, 300, 64), pages="same"),
        Case(name="shared-prefix", rules=(4,), seq_lens=(300, 300, 257), pages="shared_prefix"),
        Case(name="more-tokens-than-the-pool", rules=(4,), seq_lens=(130,) * 12, pages="shared_prefix", num_pages=15),
        Case(name="pool-of-one-page", rules=(4,), seq_lens=(64, 1, 63), pages="same", num_pages=1),
        Case(name="page-16-bits", rules=(4,), seq_lens=(65, 65), pages_from=65_534, num_pages=65_541, heavy=True),
        # Layouts in memory.
        _laid("sliced", table_layout="sliced"),
        _laid("sliced-int64", table_layout="sliced", table_dtype="int64"),
        _laid("transposed", table_layout="transposed"),
        _laid("offset", table_layout="offset"),
        _laid("every-other-column", table_layout="every_other_column"),
        _laid("one-row-for-all", table_layout="one_row_for_all"),
        _laid("sliced-tail-huge", 200, 65, rules=(10, 5), table_layout="sliced", tail="huge"),
        _laid("sliced-one-row", 200, table_layout="sliced"),
        _laid("lens-every-other", lens_layout="every_other"),
        _laid("lens-every-other-int32", lens_layout="every_other", lens_dtype="int32"),
        _laid("lens-one-for-all", 65, 65, 65, lens_layout="one_for_all"),
        _laid("lens-offset", lens_layout="offset"),
        _laid("lens-offset-int32-one", 200, lens_layout="offset", lens_dtype="int32"),
        _laid("lens-and-table-strided", lens_layout="every_other", table_layout="transposed"),
        _laid("past-2-31-entries", *(3,) * 2_050, rules=(12, 9), page_size=1, table_width=1 << 20, heavy=True),
    ],
)
