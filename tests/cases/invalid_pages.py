"""Page indices outside the pool, among those that a sequence needs: their rows are zero, and no memory is touched."""

from tests.cases.case import Case, family
from tests.cases.plan import INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN

QUESTION = "memory"

NUM_PAGES = 12
WHERE = {"first": (1, 0), "middle": (1, 1), "last": (1, -1)}
VALUES = {"minus-one": -1, "num-pages": NUM_PAGES, "int32-min": INT32_MIN, "int32-max": INT32_MAX}
WIDE_VALUES = {
    "int64-min": INT64_MIN,
    "int64-max": INT64_MAX,
    # Their low 32 bits name a page of the pool.
    "2-32-plus-3": 2**32 + 3,
    "minus-2-32-plus-3": -(2**32) + 3,
    # Times the bytes of a page, these wrap 64 bits to an address in the pool.
    "wraps-64-bits": 2**57 + 3,
}

CASES = family(
    "invalid-pages",
    [
        *(
            Case(
                name=f"{value}-{where}", rules=(11,), seq_lens=(70, 190, 5), num_pages=NUM_PAGES, page_at={place: page}
            )
            for value, page in VALUES.items()
            for where, place in WHERE.items()
        ),
        *(
            Case(
                name=f"{value}-int64",
                rules=(11,),
                seq_lens=(70, 190, 5),
                num_pages=NUM_PAGES,
                table_dtype="int64",
                page_at={(1, 1): page},
            )
            for value, page in WIDE_VALUES.items()
        ),
        Case(
            name="minus-one-all",
            rules=(11,),
            seq_lens=(130, 65),
            num_pages=NUM_PAGES,
            page_at={(b, j): -1 for b, pages in enumerate((3, 2)) for j in range(pages)},
        ),
        Case(
            name="mixed",
            rules=(11,),
            seq_lens=(200, 65),
            num_pages=NUM_PAGES,
            page_at={(0, 0): -1, (0, 2): NUM_PAGES, (1, 1): INT32_MAX},
        ),
        Case(
            name="minus-three",
            rules=(11,),
            seq_lens=(70, 190, 5),
            num_pages=NUM_PAGES,
            page_at={(1, 0): -3, (1, 1): -NUM_PAGES, (1, 2): NUM_PAGES + 1, (0, 0): 2 * NUM_PAGES - 1, (0, 1): -11},
        ),
        Case(name="empty-pool", rules=(11,), seq_lens=(0, 0), num_pages=0),
        Case(name="empty-pool-with-tokens", rules=(11,), seq_lens=(70, 3), num_pages=0),
        Case(
            name="page-1", rules=(11, 9), seq_lens=(70, 9), page_size=1, num_pages=90, page_at={(0, 5): -1, (1, 8): 90}
        ),
        Case(
            name="page-128",
            rules=(11, 9),
            seq_lens=(300, 9),
            page_size=128,
            num_pages=NUM_PAGES,
            page_at={(0, 1): -2, (1, 0): NUM_PAGES},
        ),
    ],
)
