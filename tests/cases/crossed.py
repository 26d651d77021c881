"""What makes a case unusual meets all else that does: bad input, geometries, dtypes, layouts, lengths, batches, and
the order of functions."""

from typing import Any

from tests.cases.case import Case, family
from tests.cases.covering import Row, covering
from tests.cases.plan import INT32_MAX

QUESTION = "memory"

SHORT = 130
LONGEST = 131_072
QUICK = 8
"""One in so many is in a quick run."""
NUM_PAGES = 4_000
FACTORS: dict[str, tuple[Any, ...]] = {
    "bad": ("none", "minus-one", "past-pool", "int-max", "device-larger", "device-negative", "sum-less", "max-less"),
    "geometry": ((64, 128), (1, 128), (48, 96), (128, 64)),
    "dtypes": (("int32", "int32"), ("int32", "int64"), ("int64", "int32"), ("int64", "int64")),
    "table_layout": ("contiguous", "sliced", "transposed", "every_other_column"),
    "pool": ((0, 0), (0, 13), (1, 0), (16, 64)),
    "batch": (1, 3, 7, 8, 9),
    "length": (1, 3, 5, 7),
    "off": (-1, 0, 1),
    "first": ("get_k_and_s", "get_k", "get_s"),
}


def edges(most: int, least: int = 1) -> tuple[int, ...]:
    """Return 1, 2, 3, 5, 6 and 7 times each power of two, and one less and one more, from `least` to `most`."""
    near = {factor << power for factor in (1, 2, 3, 5, 6, 7) for power in range(most.bit_length())}
    return tuple(sorted({edge + off for edge in near for off in (-1, 0, 1) if least <= edge + off <= most}))


def _crossed(number: int, row: Row) -> Case:
    page_size, index_head_dim = row["geometry"]
    near = [(row["length"] << power) + row["off"] for power in range(1, 8)]
    some = [length for length in near if length <= SHORT]
    # The longest first, the one before it last, and short ones between: a quick run has some of these.
    seq_lens = (some[-1], *(1,) * (row["batch"] - 2), some[-2])[: row["batch"]]
    more, rules = _bad(row["bad"], seq_lens, -(-seq_lens[0] // page_size) - 1)
    is_odd = row["table_layout"] != "contiguous" or row["pool"] != (0, 0)
    rules += [10] * is_odd + [9] * ((page_size, index_head_dim) != (64, 128))
    return Case(
        name=f"{row['bad']}-{number}",
        rules=tuple(rules or [4]),
        seq_lens=seq_lens,
        page_size=page_size,
        index_head_dim=index_head_dim,
        num_pages=NUM_PAGES // page_size + 60,
        table_dtype=row["dtypes"][0],
        lens_dtype=row["dtypes"][1],
        table_layout=row["table_layout"],
        pool_offset=row["pool"][0],
        pool_row_gap=row["pool"][1],
        first=row["first"],
        heavy=number % QUICK > 0,
        seed=number,
        **more,
    )


def _bad(kind: str, seq_lens: tuple[int, ...], last: int) -> tuple[dict[str, Any], list[int]]:
    """Return what is bad about a case, and its rule."""
    pages = {"minus-one": -1, "past-pool": NUM_PAGES + 60, "int-max": INT32_MAX}
    if kind in pages:
        return {"page_at": {(0, last): pages[kind]}}, [11]
    lengths = {"device-larger": 90, "device-negative": -200}
    if kind in lengths:
        return {"device_seq_lens": tuple(length + lengths[kind] for length in seq_lens)}, [13]
    errors = {"sum-less": {"seq_len_sum_error": -1}, "max-less": {"max_seq_len_error": -1}}
    return (errors[kind], [13]) if kind in errors else ({}, [])


def _long(number: int, seq_lens: tuple[int, ...]) -> Case:
    dtypes = FACTORS["dtypes"][number % 4]
    return Case(
        name=f"long-{number}",
        rules=(4,),
        seq_lens=seq_lens,
        table_dtype=dtypes[0],
        lens_dtype=dtypes[1],
        needs_gpu="more tokens than the interpreter gathers in a minute",
    )


_SHORT_EDGES = edges(SHORT)
_MIDDLE_EDGES = edges(1_100, least=400)
_LONG_EDGES = edges(LONGEST, least=SHORT + 1)

CROSSED = covering(FACTORS)
CASES = family(
    "crossed",
    [
        Case(name="every-short-edge", rules=(4,), seq_lens=_SHORT_EDGES, heavy=True),
        Case(name="middle-edges", rules=(4,), seq_lens=_MIDDLE_EDGES[::9], heavy=True),
        *(_crossed(number, row) for number, row in enumerate(CROSSED)),
        *(_long(number, _LONG_EDGES[number::9]) for number in range(9)),
    ],
)
