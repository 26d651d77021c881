"""What the pages of a case's pool hold: made from the case and a seed, and never read from the pool."""

from functools import lru_cache

import numpy as np
import torch

from reference import quantised
from reference.coded_pool import coded_pages, coded_part, coded_rows
from reference.indexing import gather_slots
from reference.layout import LAYOUTS, PADDING
from tests.calls.fetching import HOST_BYTES
from tests.cases.case import Case
from tests.cases.plan import num_pages_of

POOLS_KEPT = 8
"""Small pools made last: each function writes the same ones again, and is compared with them."""


@lru_cache(maxsize=POOLS_KEPT)
def pool_on_host(case: Case, content_seed: int) -> torch.Tensor:
    """Return all pages of a pool, `(num_pages, page_bytes)` uint8 on the host, not to be written to."""
    pages = num_pages_of(case)
    if case.content == "coded" and pages * case.page_bytes <= HOST_BYTES:
        k, s = (rows[:-1] for rows in _tokens_on_host(case, content_seed))
        return LAYOUTS[case.layout].pages_of(k, s, case.page_size)
    return pages_of(case, torch.arange(pages), content_seed)


def pages_of(case: Case, pages: torch.Tensor, content_seed: int) -> torch.Tensor:
    """Return what pages hold, `(n, page_bytes)` uint8, on the device of `pages`, `(n,)` int64."""
    if case.content == "coded":
        return coded_pages(pages, case.page_size, case.index_head_dim, content_seed, LAYOUTS[case.layout])
    if case.content == "quantised":
        return _quantised_pages(case, pages, content_seed)
    pattern = _pattern(case.content, content_seed)
    # Patterns repeat at a period prime to every page size, so that neighbouring tokens differ.
    start = pages[:, None] * 1_009 + torch.arange(case.page_bytes, device=pages.device)
    return pattern.to(pages.device)[start % len(pattern)]


def rows_of(case: Case, slots: torch.Tensor, content_seed: int, part: str) -> torch.Tensor:
    """Return the bytes of token slots.

    Args:
        case: whose pool it is.
        slots: `(rows,)` int64, `page * page_size + token` of a page of the pool, or negative for a row of zeros.
        content_seed: which of the contents.
        part: `K` or `S`.

    Returns:
        `(rows, index_head_dim)` or `(rows, 4)` uint8, on `slots`'s device.
    """
    if case.content == "coded":
        if slots.device.type == "cpu" and num_pages_of(case) * case.page_bytes <= HOST_BYTES:
            tokens = _tokens_on_host(case, content_seed)[0 if part == "K" else 1]
            return tokens.index_select(0, torch.where(slots < 0, len(tokens) - 1, slots))
        return coded_part(slots, case.index_head_dim, content_seed, part)
    pages, place = torch.unique(slots.clamp(min=0) // case.page_size, return_inverse=True)
    in_pages = torch.where(slots < 0, -1, place * case.page_size + slots % case.page_size)
    contents = pages_of(case, pages, content_seed)
    rows = gather_slots(contents, in_pages, case.page_size, case.index_head_dim, LAYOUTS[case.layout])
    return rows[0 if part == "K" else 1]


@lru_cache(maxsize=POOLS_KEPT)
def _tokens_on_host(case: Case, content_seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the rows of all tokens of a coded pool, and a row of zeros behind them."""
    slots = torch.arange(num_pages_of(case) * case.page_size + 1)
    slots[-1] = -1
    return coded_rows(slots, case.index_head_dim, content_seed)


def _quantised_pages(case: Case, pages: torch.Tensor, content_seed: int) -> torch.Tensor:
    size, device = case.page_size, pages.device
    slots = (pages[:, None] * size + torch.arange(size, device=device)).flatten()
    places = torch.arange(len(slots), device=device)
    held = torch.full((len(pages), case.page_bytes), PADDING, dtype=torch.uint8, device=device)
    keys = quantised.keys_of(slots, case.index_head_dim, content_seed)
    quantised.write(held, places, *quantised.quantised(keys), size, LAYOUTS[case.layout])
    return held


def _pattern(content: str, seed: int) -> torch.Tensor:
    """Return the bytes that fill a pool of the given content over and over."""
    match content:
        case "every_byte":
            return torch.arange(256, dtype=torch.uint8).roll(seed)
        case "nan":
            # fp8 e4m3fn NaNs (also -0.0 read as e4m3fnuz), then quiet and signalling fp32 NaNs with payloads.
            words = [0x7F7FFFFF, 0x7FC00001, 0x7F800001, 0xFFC0DEAD, 0xFF80BEEF, 0x80FF7F80]
        case "special_floats":
            words = [0x80000000, 0x00000001, 0x807FFFFF, 0x00400000, 0x7F800000, 0xFF800000, 0x01018080]
        case "zeros":
            return torch.zeros(1, dtype=torch.uint8)
        case "ones":
            return torch.full((1,), 0xFF, dtype=torch.uint8)
        case _:
            raise ValueError(f"content: expected a known pattern, got {content!r}")
    return torch.from_numpy(np.roll(np.array(words, dtype="<u4"), seed).view(np.uint8).copy())
