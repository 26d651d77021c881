"""Random cases: one a seed, the same one every time."""

import random

from tests.cases.case import Case, LengthsLayout, TableLayout, family

QUESTION = "values"

TABLE_LAYOUTS: tuple[TableLayout, ...] = (
    "contiguous",
    "contiguous",
    "sliced",
    "transposed",
    "offset",
    "every_other_column",
)
LENGTHS_LAYOUTS: tuple[LengthsLayout, ...] = ("contiguous", "contiguous", "every_other", "offset")
MOST_SEQUENCES, MANY_SEQUENCES, FEW_TOKENS = 600, 40, 300
DEFAULT_COUNT = 24
"""Seeds that a run draws unless told otherwise."""


def random_cases(first_seed: int, count: int) -> list[Case]:
    """Return the cases of `count` seeds from `first_seed` on."""
    return family("seeds", [random_case(seed) for seed in range(first_seed, first_seed + count)])


def random_case(seed: int) -> Case:
    """Return the case of one seed: every property of a case drawn, the rows always defined by the contract.

    Every third is production's in geometry, layout and pages, with batches that such calls have.
    """
    draw = random.Random(seed)
    if seed % 3 == 0:
        return _of_production(draw, seed)
    page_size = draw.choice([64] * 4 + [1, 16, 48, 128])
    index_head_dim = draw.choice([128] * 4 + [64, 96, 256])
    seq_lens = tuple(
        draw.choice([0, 1, draw.randrange(2 * page_size + 2), draw.randrange(400)])
        for _ in range(draw.choice([1, 2, 3, 5, 9]))
    )
    table_layout = draw.choice(TABLE_LAYOUTS)
    lens_layout = draw.choice(LENGTHS_LAYOUTS)
    pool_offset = draw.choice([0, 0, 0, 1, 4, 16])
    pool_row_gap = draw.choice([0, 0, 0, 4, 13])
    spare_pages = 9
    num_pages = sum(-(-length // page_size) for length in seq_lens) + spare_pages
    page_at = {}
    for sequence, length in enumerate(seq_lens):
        if length and draw.random() < 0.2:
            place = draw.randrange(-(-length // page_size))
            page_at[sequence, place] = draw.choice([-1, num_pages, 2**31 - 1, -(2**31), 0, num_pages - 1])
    # The most particular promise first: it is the one that wrong rows break.
    rules = []
    if {table_layout, lens_layout} != {"contiguous"} or pool_offset or pool_row_gap:
        rules.append(10)
    if (page_size, index_head_dim) != (64, 128):
        rules.append(9)
    rules.append(1)
    if any(not 0 <= page < num_pages for page in page_at.values()):
        rules.append(11)
    return Case(
        name=f"seed-{seed}",
        rules=tuple(rules),
        seq_lens=seq_lens,
        page_size=page_size,
        index_head_dim=index_head_dim,
        num_pages=num_pages,
        pages=draw.choice(["shuffled", "shuffled", "reversed", "same"]),
        page_at=page_at,
        tail=draw.choice(["stale", "minus_one", "huge", "int_min"]),
        spare_columns=draw.randrange(5),
        table_dtype=draw.choice(["int32", "int64"]),
        lens_dtype=draw.choice(["int32", "int64"]),
        table_layout=table_layout,
        lens_layout=lens_layout,
        pool_offset=pool_offset,
        pool_row_gap=pool_row_gap,
        seed=seed,
    )


def _of_production(draw: random.Random, seed: int) -> Case:
    batch = draw.choice([2, 5, 12, 31, 63, 64, draw.randrange(1, 100), draw.randrange(1, MOST_SEQUENCES + 1)])
    longest = max(2, FEW_TOKENS // batch)
    seq_lens = tuple(draw.choice([draw.randrange(3), 1, draw.randrange(longest + 1)]) for _ in range(batch))
    return Case(
        name=f"seed-{seed}",
        rules=(4, 1, 3),
        seq_lens=seq_lens,
        pages=draw.choice(["shuffled", "shuffled", "reversed", "same", "shared_prefix"]),
        tail=draw.choice(["stale", "minus_one", "huge", "int_min"]),
        spare_columns=draw.randrange(5),
        table_dtype=draw.choice(["int32", "int64"]),
        lens_dtype=draw.choice(["int32", "int64"]),
        heavy=batch > MANY_SEQUENCES,
        seed=seed,
    )
