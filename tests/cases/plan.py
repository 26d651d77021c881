"""From a case to numbers: which page lies where in the table, and which token slot each row must show.

Nothing here touches a tensor, so that what is expected of a gather does not pass through the memory it is given.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from tests.cases.case import Case

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
WRAPS = (2**31, 2**32, 2**33)
"""What an address that is computed in too few bits is cut to a multiple of."""
FILL_WHOLE_POOL_BELOW_BYTES = 1 << 24
PLANS_KEPT = 4
"""Plans made last, which the functions of an implementation are examined with one after the other."""
SPARE_PAGES = 7
"""Pages of a pool that no sequence names, so that a wrong page is one that a right one cannot be."""


@dataclass(frozen=True)
class Plan:
    """The contents of one call's arguments. Plans are kept: their arrays are not to be written to."""

    num_pages: int
    seq_lens: np.ndarray
    """`(batch,)` int64, what the host believes and, unless the two disagree, the device holds."""
    device_seq_lens: np.ndarray
    """`(batch,)` int64, what the device holds."""
    page_table: np.ndarray
    """`(batch, columns that matter)` int64; a wider table's further columns hold nothing in particular."""
    max_pages: int
    """Columns of the whole table."""
    content_seed: int
    row_slots: np.ndarray
    """`(rows,)` int64, `page * page_size + token` of each row, or -1 where its page is none of the pool's."""
    filled_pages: np.ndarray
    """`(n,)` int64, pages that a call may legally or plausibly read. All of a small pool; of a large one those that
    the table names, their neighbours, and those at which an address that wraps would arrive."""

    @cached_property
    def needed_rows(self) -> int:
        """Rows whose page is one of the pool's."""
        return int((self.row_slots >= 0).sum())


def num_pages_of(case: Case) -> int:
    """Return the number of pages of the case's pool."""
    if case.num_pages is not None:
        return case.num_pages
    used = {"same": 1, "shared_prefix": max(case.pages_needed, default=0) + len(case.seq_lens)}
    return case.pages_from + used.get(case.pages, sum(case.pages_needed)) + SPARE_PAGES


@lru_cache(maxsize=PLANS_KEPT)
def plan(case: Case, variation: int = 0, shorter: bool = False) -> Plan:
    """Return the contents of a call.

    Args:
        case: the row of the catalogue.
        variation: 0 for the first call; further ones keep every shape and every number that the host knows, and
            change all contents: other bytes, other pages, the sequences in another order.
        shorter: whether the sequences are half as long as the host believes, as in a replayed CUDA graph.
    """
    rng = np.random.default_rng([case.seed, variation, sum(map(ord, case.id))])
    num_pages = num_pages_of(case)
    needed = np.array(case.pages_needed, dtype=np.int64)
    columns = int(needed.max(initial=0)) + case.spare_columns
    if case.max_seq_len_error > 0:
        columns = max(columns, -(-case.max_seq_len // case.page_size))
    max_pages = max(columns, case.table_width or 0)

    table = _tail(case, rng, num_pages, (len(needed), columns))
    pool_pages = _page_pool(case, rng, num_pages, int(needed.sum()))
    taken = 0
    for sequence, count in enumerate(needed):
        if case.pages == "same" and count:
            table[sequence, :count] = pool_pages[0]
        elif case.pages == "shared_prefix":
            table[sequence, :count] = pool_pages[:count]
            if count:
                table[sequence, count - 1] = pool_pages[int(needed.max()) + sequence]
        else:
            table[sequence, :count] = pool_pages[taken : taken + count]
            taken += count
    for (sequence, place), page in case.page_at.items():
        table[sequence, place if place >= 0 else needed[sequence] + place] = page

    lens = np.array(case.seq_lens, dtype=np.int64)
    device_lens = lens if case.device_seq_lens is None else np.array(case.device_seq_lens, dtype=np.int64)
    if case.table_layout == "one_row_for_all" and len(table):
        table[:] = table[int(lens.argmax())]
    if shorter:
        lens = device_lens = lens // 2
    if variation:
        lens, device_lens, table = lens[::-1].copy(), device_lens[::-1].copy(), table[::-1].copy()
    return Plan(
        num_pages=num_pages,
        seq_lens=lens,
        device_seq_lens=device_lens,
        page_table=table,
        max_pages=max_pages,
        content_seed=2 * case.seed + variation,
        row_slots=_row_slots(lens, table, case.page_size, num_pages),
        filled_pages=_filled_pages(case, table, num_pages),
    )


def prefilled(case: Case, contents: Plan, chunk: int) -> Plan:
    """Return the contents after one of the chunks of a chunked prefill, from 0 on. A third of each sequence was there
    before, as a cached prefix is."""
    prefix = contents.seq_lens // 3
    lens = prefix + (contents.seq_lens - prefix) * (chunk + 1) // case.chunks
    slots = _row_slots(lens, contents.page_table, case.page_size, contents.num_pages)
    return replace(contents, seq_lens=lens, device_seq_lens=lens, row_slots=slots)


def _page_pool(case: Case, rng: np.random.Generator, num_pages: int, count: int) -> np.ndarray:
    available = num_pages - case.pages_from
    if count == 0 or num_pages == 0:
        return np.zeros(count, dtype=np.int64)
    if case.pages == "same":
        return case.pages_from + rng.integers(available, size=1)
    if case.pages == "shared_prefix":
        count = max(case.pages_needed) + len(case.seq_lens)
    if count > available:
        raise ValueError(f"{case.id}: num_pages: {count} pages are needed, {available} are there")
    if case.pages == "reversed":
        return case.pages_from + np.arange(available - 1, available - 1 - count, -1)
    return case.pages_from + rng.choice(available, size=count, replace=False, shuffle=True)


def _tail(case: Case, rng: np.random.Generator, num_pages: int, shape: tuple[int, int]) -> np.ndarray:
    if case.tail == "stale":
        return rng.integers(max(num_pages, 1), size=shape, dtype=np.int64)
    huge = INT32_MAX if case.table_dtype == "int32" else INT64_MAX
    low = INT32_MIN if case.table_dtype == "int32" else INT64_MIN
    return np.full(shape, {"minus_one": -1, "huge": huge, "int_min": low}[case.tail], dtype=np.int64)


def _row_slots(lens: np.ndarray, table: np.ndarray, page_size: int, num_pages: int) -> np.ndarray:
    counts = -(-lens // page_size)
    sequences = np.repeat(np.arange(len(lens)), counts)
    places = np.arange(len(sequences)) - np.repeat(counts.cumsum() - counts, counts)
    pages, tokens = table[sequences, places], np.arange(page_size)
    slots = pages[:, None] * page_size + tokens
    slots[(pages < 0) | (pages >= num_pages)] = -1
    held = lens[sequences] - places * page_size
    # Most sequences end within a page.
    return slots.reshape(-1) if (held >= page_size).all() else slots[tokens < held[:, None]]


def _filled_pages(case: Case, table: np.ndarray, num_pages: int) -> np.ndarray:
    if num_pages * case.page_bytes <= FILL_WHOLE_POOL_BELOW_BYTES:
        return np.arange(num_pages)
    named = _each_once_below(num_pages, table)
    wrapped = [named * case.page_pitch % wrap // case.page_pitch for wrap in WRAPS]
    return _each_once_below(num_pages, named - 1, named, named + 1, *wrapped, *(page + 1 for page in wrapped))


def _each_once_below(count: int, *numbers: np.ndarray) -> np.ndarray:
    """Return those of some numbers that are from 0 to `count`, sorted, each once; quicker than sorting them."""
    is_there = np.zeros(count, dtype=bool)
    for some in numbers:
        is_there[some[(some >= 0) & (some < count)]] = True
    return np.flatnonzero(is_there)
