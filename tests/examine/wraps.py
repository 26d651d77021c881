"""Whether a wrong row is what lies at an address that wrapped."""

from collections.abc import Callable

import numpy as np
import torch

from reference.layout import LAYOUTS, places
from tests.cases.case import Case
from tests.cases.plan import WRAPS, Plan

Slots = Callable[[list[int]], tuple[torch.Tensor, torch.Tensor]]
"""Makes the K and S rows of token slots."""


def is_from_wrapped_address(case: Case, plan: Plan, part: str, row: int, held: torch.Tensor, rows: Slots) -> bool:
    """Whether a row holds what lies at its address in the pool, or at its page's in the table, cut to fewer bits.

    Args:
        case, plan: what the call was about.
        part: `K` or `S`.
        row: of the result, of a page of the pool.
        held: `(bytes,)` uint8.
        rows: makes what token slots hold.
    """
    slot = int(plan.row_slots[row])
    size = case.page_size
    page, token = divmod(slot, size)
    in_page = places(case.layout, size, case.index_head_dim)[0 if part == "K" else 1][token]
    together = int((in_page.diff() != 1).nonzero()[0]) + 1 if bool((in_page.diff() != 1).any()) else held.numel()
    at = page * case.page_pitch + int(in_page[0])
    wrapped = {at % wrap for wrap in WRAPS} - {at}
    if any(torch.equal(_pool(case, plan, place, together, rows), held[:together]) for place in wrapped):
        return True
    pages = _pages_of_wrapped_entries(plan, row, size) - {page}
    return any(torch.equal(rows([other * size + token])[0 if part == "K" else 1][0], held) for other in pages)


def _pool(case: Case, plan: Plan, at: int, count: int, rows: Slots) -> torch.Tensor:
    """Return the bytes of the pool's pages from an offset on, none of them between two pages."""
    held = []
    for page in range(at // case.page_pitch, (at + count - 1) // case.page_pitch + 1):
        if page < plan.num_pages:
            k, s = rows(list(range(page * case.page_size, (page + 1) * case.page_size)))
            held.append(LAYOUTS[case.layout].pages_of(k, s, case.page_size)[0])
    start = at % case.page_pitch
    return torch.cat(held)[start : start + count] if held else torch.zeros(0, dtype=torch.uint8)


def _pages_of_wrapped_entries(plan: Plan, row: int, page_size: int) -> set[int]:
    """Return the pages that stand in a large table where a row's entry would, if its place were cut to fewer bits."""
    ends = np.cumsum(plan.seq_lens)
    sequence = int(np.searchsorted(ends, row, side="right"))
    ordinal = (row - int(ends[sequence] - plan.seq_lens[sequence])) // page_size
    entry = sequence * plan.max_pages + ordinal
    places = [divmod(entry % wrap, plan.max_pages) for wrap in WRAPS if entry >= wrap]
    columns = plan.page_table.shape[1]
    pages = {int(plan.page_table[other, column]) for other, column in places if column < columns}
    return {page for page in pages if 0 <= page < plan.num_pages}
