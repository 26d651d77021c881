"""Page tables: dtypes, layouts in memory, what stands past a sequence's last page, and how pages are shared."""

from tests.cases.case import Case, family

QUESTION = "values"

CASES = family(
    "tables",
    [
        Case(name="int32-lens-int32", rules=(3,), seq_lens=(100, 30, 64), lens_dtype="int32"),
        Case(name="int32-lens-int64", rules=(3,), seq_lens=(100, 30, 64)),
        Case(name="int64-lens-int32", rules=(3,), seq_lens=(100, 30, 64), table_dtype="int64", lens_dtype="int32"),
        Case(name="int64-lens-int64", rules=(3,), seq_lens=(100, 30, 64), table_dtype="int64"),
        # What stands past a sequence's last page.
        Case(name="tail-stale", rules=(5,), seq_lens=(1, 200, 65), spare_columns=4),
        Case(name="tail-minus-one", rules=(5,), seq_lens=(1, 200, 65), spare_columns=4, tail="minus_one"),
        Case(name="tail-huge", rules=(5,), seq_lens=(1, 200, 65), spare_columns=4, tail="huge"),
        Case(name="tail-int-min", rules=(5,), seq_lens=(1, 200, 65), spare_columns=4, tail="int_min"),
        Case(
            name="tail-huge-int64", rules=(5,), seq_lens=(1, 200, 65), spare_columns=4, tail="huge", table_dtype="int64"
        ),
        Case(
            name="tail-int-min-int64",
            rules=(5,),
            seq_lens=(1, 200, 65),
            spare_columns=4,
            tail="int_min",
            table_dtype="int64",
        ),
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
        Case(name="sliced", rules=(10,), seq_lens=(200, 65, 130), table_layout="sliced"),
        Case(name="sliced-int64", rules=(10,), seq_lens=(200, 65, 130), table_layout="sliced", table_dtype="int64"),
        Case(name="transposed", rules=(10,), seq_lens=(200, 65, 130), table_layout="transposed"),
        Case(name="offset", rules=(10,), seq_lens=(200, 65, 130), table_layout="offset"),
        Case(name="every-other-column", rules=(10,), seq_lens=(200, 65, 130), table_layout="every_other_column"),
        Case(name="one-row-for-all", rules=(10,), seq_lens=(200, 65, 130), table_layout="one_row_for_all"),
        Case(name="sliced-tail-huge", rules=(10, 5), seq_lens=(200, 65), table_layout="sliced", tail="huge"),
        Case(name="sliced-one-row", rules=(10,), seq_lens=(200,), table_layout="sliced"),
        Case(name="lens-every-other", rules=(10,), seq_lens=(200, 65, 130), lens_layout="every_other"),
        Case(
            name="lens-every-other-int32",
            rules=(10,),
            seq_lens=(200, 65, 130),
            lens_layout="every_other",
            lens_dtype="int32",
        ),
        Case(name="lens-one-for-all", rules=(10,), seq_lens=(65, 65, 65), lens_layout="one_for_all"),
        Case(name="lens-offset", rules=(10,), seq_lens=(200, 65, 130), lens_layout="offset"),
        Case(name="lens-offset-int32-one", rules=(10,), seq_lens=(200,), lens_layout="offset", lens_dtype="int32"),
        Case(
            name="lens-and-table-strided",
            rules=(10,),
            seq_lens=(200, 65, 130),
            lens_layout="every_other",
            table_layout="transposed",
        ),
        Case(
            name="past-2-31-entries", rules=(12, 9), seq_lens=(3,) * 2_050, page_size=1, table_width=1 << 20, heavy=True
        ),
    ],
)
