"""Page indices outside the pool, among those that a sequence needs: their rows are zero, and no memory is touched."""

from typing import Any

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


def _invalid(name: str, *seq_lens: int, num_pages: int = NUM_PAGES, **more: Any) -> Case:
    rules = (11, 9) if "page_size" in more else (11,)
    return Case(name=name, rules=rules, seq_lens=seq_lens or (70, 190, 5), num_pages=num_pages, **more)


MANY = {(1, 0): -3, (1, 1): -NUM_PAGES, (1, 2): NUM_PAGES + 1, (0, 0): 2 * NUM_PAGES - 1, (0, 1): -11}

CASES = family(
    "invalid-pages",
    [
        *(
            _invalid(f"{value}-{where}", page_at={place: page})
            for value, page in VALUES.items()
            for where, place in WHERE.items()
        ),
        *(
            _invalid(f"{value}-int64", table_dtype="int64", page_at={(1, 1): page})
            for value, page in WIDE_VALUES.items()
        ),
        _invalid("minus-one-all", 130, 65, page_at=dict.fromkeys([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)], -1)),
        _invalid("mixed", 200, 65, page_at={(0, 0): -1, (0, 2): NUM_PAGES, (1, 1): INT32_MAX}),
        _invalid("minus-three", page_at=MANY),
        _invalid("empty-pool", 0, 0, num_pages=0),
        _invalid("empty-pool-with-tokens", 70, 3, num_pages=0),
        _invalid("page-1", 70, 9, page_size=1, num_pages=90, page_at={(0, 5): -1, (1, 8): 90}),
        _invalid("page-128", 300, 9, page_size=128, page_at={(0, 1): -2, (1, 0): NUM_PAGES}),
    ],
)
