"""Pools: where they start, how far apart their pages lie, and addresses past 2, 4 and 8 GiB."""

from tests.cases.case import Case, family

QUESTION = "memory"

PAGE_BYTES = 64 * 132
# The first page that does not lie wholly below 2 GiB: with 32-bit arithmetic, tokens from 16 on are read elsewhere.
AT_2_GIB, AT_4_GIB, AT_8_GIB, AT_16_GIB = (gib * 2**30 // PAGE_BYTES for gib in (2, 4, 8, 16))
AROUND = {"2-gib": AT_2_GIB, "4-gib": AT_4_GIB, "8-gib": AT_8_GIB}
# Rows 2 MiB apart put a page at each wrap exactly: page 1024 starts at byte 2**31.
PACKED_ROW = 2**21
PACKED_GAP = PACKED_ROW - PAGE_BYTES


def _around(page: int) -> dict[tuple[int, int], int]:
    """Return a table of three sequences whose pages lie on both sides of a wrap and on it."""
    return {(0, 0): page - 1, (0, 1): page, (0, 2): page + 1, (1, 0): page + 1, (1, 1): 0, (2, 0): page}


CASES = family(
    "pools",
    [
        *(
            Case(name=f"offset-{offset}", rules=(10,), seq_lens=(130, 65), pool_offset=offset)
            for offset in (1, 2, 4, 8, 16, 132, 8_448)
        ),
        *(
            Case(name=f"row-gap-{gap}", rules=(10,), seq_lens=(130, 65), pool_row_gap=gap)
            for gap in (1, 2, 4, 16, 64, 8_448)
        ),
        Case(name="offset-and-gap", rules=(10,), seq_lens=(130, 65), pool_offset=4, pool_row_gap=12),
        Case(name="byte-step-2", rules=(10,), seq_lens=(130, 65), pool_byte_step=2),
        Case(name="byte-step-3-and-gap", rules=(10,), seq_lens=(130, 65), pool_byte_step=3, pool_row_gap=4),
        Case(name="offset-odd-page-1", rules=(10, 9), seq_lens=(70,), pool_offset=3, page_size=1),
        *(
            Case(name=f"past-{name}", rules=(12,), seq_lens=(190, 66, 60), num_pages=page + 3, page_at=_around(page))
            for name, page in AROUND.items()
        ),
        *(
            Case(
                name=f"past-{name}-int64",
                rules=(12, 3),
                seq_lens=(190, 66, 60),
                num_pages=page + 3,
                page_at=_around(page),
                table_dtype="int64",
                lens_dtype="int32",
            )
            for name, page in AROUND.items()
        ),
        *(
            Case(
                name=f"page-at-{name}-exactly",
                rules=(12, 10),
                seq_lens=(190, 66, 60),
                num_pages=page + 3,
                pool_row_gap=PACKED_GAP,
                page_at=_around(page),
            )
            for name, page in {"2-gib": 2**31 // PACKED_ROW, "4-gib": 2**32 // PACKED_ROW}.items()
        ),
        Case(
            name="page-1-past-2-gib",
            rules=(12, 9),
            seq_lens=(3, 2, 1),
            page_size=1,
            num_pages=2**31 // 132 + 3,
            page_at=_around(2**31 // 132),
        ),
        Case(
            name="past-16-gib", rules=(12,), seq_lens=(190, 66, 60), num_pages=AT_16_GIB + 3, page_at=_around(AT_16_GIB)
        ),
        Case(name="last-page-past-2-gib", rules=(12,), seq_lens=(64,), num_pages=300_000, page_at={(0, 0): 299_999}),
        Case(
            name="invalid-page-past-2-gib",
            rules=(11, 12),
            seq_lens=(190,),
            num_pages=AT_2_GIB + 3,
            page_at={(0, 0): AT_2_GIB + 3, (0, 1): -1, (0, 2): AT_2_GIB},
        ),
        Case(
            name="result-past-2-gib",
            rules=(12,),
            seq_lens=(2**24, 100),
            lens_dtype="int32",
            needs_gpu="a result past 2 GiB",
        ),
        Case(name="result-past-4-gib", rules=(12,), seq_lens=(2**20,) * 33, needs_gpu="a result past 4 GiB"),
    ],
)
