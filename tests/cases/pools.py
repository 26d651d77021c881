"""Pools: where they start, how far apart their pages lie, and addresses past 2, 4 and 8 GiB."""

from typing import Any

from tests.cases.case import Case, family

QUESTION = "memory"

PAGE_BYTES = 64 * 132
# The first page that does not lie wholly below 2 GiB: with 32-bit arithmetic, tokens from 16 on are read elsewhere.
AT_2_GIB, AT_4_GIB, AT_8_GIB, AT_16_GIB = (gib * 2**30 // PAGE_BYTES for gib in (2, 4, 8, 16))
AROUND = {"2-gib": AT_2_GIB, "4-gib": AT_4_GIB, "8-gib": AT_8_GIB}
# Rows 2 MiB apart put a page at each wrap exactly: page 1024 starts at byte 2**31.
PACKED_ROW = 2**21
PACKED_GAP = PACKED_ROW - PAGE_BYTES


def _past(name: str, page: int, *rules: int, seq_lens: tuple[int, ...] = (190, 66, 60), **more: Any) -> Case:
    """Return a case of three sequences whose pages lie on both sides of a wrap and on it."""
    around = {(0, 0): page - 1, (0, 1): page, (0, 2): page + 1, (1, 0): page + 1, (1, 1): 0, (2, 0): page}
    return Case(name=name, rules=(12, *rules), seq_lens=seq_lens, num_pages=page + 3, page_at=around, **more)


def _laid(name: str, *seq_lens: int, **more: Any) -> Case:
    rules = (10, 9) if "page_size" in more else (10,)
    return Case(name=name, rules=rules, seq_lens=seq_lens or (130, 65), **more)


CASES = family(
    "pools",
    [
        *(_laid(f"offset-{offset}", pool_offset=offset) for offset in (1, 2, 4, 8, 16, 132, 8_448)),
        *(_laid(f"row-gap-{gap}", pool_row_gap=gap) for gap in (1, 2, 4, 16, 64, 8_448)),
        _laid("offset-and-gap", pool_offset=4, pool_row_gap=12),
        _laid("byte-step-2", pool_byte_step=2),
        _laid("byte-step-3-and-gap", pool_byte_step=3, pool_row_gap=4),
        _laid("offset-odd-page-1", 70, pool_offset=3, page_size=1),
        *(_past(f"past-{name}", page) for name, page in AROUND.items()),
        *(
            _past(f"past-{name}-int64", page, 3, table_dtype="int64", lens_dtype="int32")
            for name, page in AROUND.items()
        ),
        _past("page-at-2-gib-exactly", 2**31 // PACKED_ROW, 10, pool_row_gap=PACKED_GAP),
        _past("page-at-4-gib-exactly", 2**32 // PACKED_ROW, 10, pool_row_gap=PACKED_GAP),
        _past("page-1-past-2-gib", 2**31 // 132, 9, seq_lens=(3, 2, 1), page_size=1),
        _past("past-16-gib", AT_16_GIB),
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
