"""The catalogue for another geometry: what a row does not say is no longer production's, but what the user names.

A row keeps its point. Lengths stay as far from the ends of pages as they are, pages as many as the sequences need and
as far from 2, 4, 8 and 16 GiB, entries that are no page of the pool as far outside it.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from tests.cases.case import Case, LayoutName
from tests.cases.plan import SPARE_PAGES, num_pages_of
from tests.contract import Rule

PAGE_SIZE, INDEX_HEAD_DIM = 64, 128
"""Production's."""
LENGTHS_KEPT_FROM = 4_096
"""Tokens of a sequence that is about its length, not about pages."""
NEAR = 8
"""Pages from a wrap that are on it."""
PACKED_PITCH = 2**21
"""Bytes between pages that put one at each wrap exactly."""


class Geometry(NamedTuple):
    """What a row does not say of its pages."""

    page_size: int = PAGE_SIZE
    index_head_dim: int = INDEX_HEAD_DIM
    layout: LayoutName = "blocks"


PRODUCTION = Geometry()


def moved(case: Case, to: Geometry) -> Case:
    """Return a row of the catalogue in another geometry; one that says a geometry of its own keeps that."""
    if to == PRODUCTION:
        return case
    if case.calls:
        return replace(case, calls=tuple(moved(call, to) for call in case.calls))
    size = to.page_size if case.page_size == PAGE_SIZE else case.page_size
    dim = to.index_head_dim if case.index_head_dim == INDEX_HEAD_DIM else case.index_head_dim
    rules = _rules(case, is_usual=(size, dim) == to[:2])
    new = replace(case, page_size=size, index_head_dim=dim, layout=to.layout, rules=rules)
    new = replace(new, seq_lens=_lengths(case.seq_lens, size) if size == to.page_size else case.seq_lens)
    if case.device_seq_lens is not None and size == to.page_size:
        new = replace(new, device_seq_lens=_lengths(case.device_seq_lens, size))
    new = replace(new, **_host_errors(case, new), **_pages(case, new))
    if case.page_pitch == PACKED_PITCH:
        new = replace(new, pool_row_gap=PACKED_PITCH - new.page_bytes)
    return new


def _rules(case: Case, *, is_usual: bool) -> tuple[int, ...]:
    """Return the case's rules: that of other geometries is among them where the geometry is another."""
    others = tuple(rule for rule in case.rules if rule != Rule.GEOMETRIES)
    if is_usual:
        return others or (Rule.LENGTHS,)
    return case.rules if Rule.GEOMETRIES in case.rules else (*case.rules, Rule.GEOMETRIES)


def _lengths(lengths: tuple[int, ...], size: int) -> tuple[int, ...]:
    return tuple(_length(tokens, size) for tokens in lengths)


def _length(tokens: int, size: int) -> int:
    """Return a length that is as far from a page's end; pages of which production's are a multiple have that as is."""
    if PAGE_SIZE % size == 0 or not 0 < tokens < LENGTHS_KEPT_FROM:
        return tokens
    pages, rest = divmod(tokens, PAGE_SIZE)
    return pages * size + (min(rest, size - 1) if rest <= PAGE_SIZE // 2 else max(size - (PAGE_SIZE - rest), 0))


def _host_errors(case: Case, new: Case) -> dict[str, Any]:
    """Return by how much the host is off: a page is a page, and all that there is all that there is."""
    longest, total = max(case.seq_lens, default=0), sum(case.seq_lens)
    of_max, of_sum = case.max_seq_len_error, case.seq_len_sum_error
    columns = max(case.pages_needed, default=0) + case.spare_columns
    if of_max and case.max_seq_len == columns * case.page_size:
        of_max = (max(new.pages_needed) + new.spare_columns) * new.page_size - max(new.seq_lens)
    elif of_max == -longest:
        of_max = -max(new.seq_lens, default=0)
    elif abs(of_max) == case.page_size:
        of_max = new.page_size if of_max > 0 else -new.page_size
    if of_sum == -total:
        of_sum = -sum(new.seq_lens)
    elif abs(of_sum) == case.page_size:
        of_sum = new.page_size if of_sum > 0 else -new.page_size
    return {"max_seq_len_error": of_max, "seq_len_sum_error": of_sum}


def _pages(case: Case, new: Case) -> dict[str, Any]:
    """Return the pool's size and the pages that the table names by itself."""
    pages_from = _at_wraps(case.pages_from, case, new)
    if not case.num_pages:
        return {"pages_from": pages_from}
    count = _at_wraps(case.num_pages, case, new)
    if count == case.num_pages:
        spare = case.num_pages - case.pages_from - _drawn(case)
        is_for_its_end = Rule.BIG_ADDRESSES in case.rules and case.num_pages * case.page_bytes > 2**31
        count = pages_from + _drawn(new) + spare
        if is_for_its_end and not case.pages_from:
            count = max(count, -(-case.num_pages * case.page_bytes // new.page_bytes))
    page_at = {place: _page(page, case, new, count) for place, page in case.page_at.items()}
    return {"num_pages": count, "pages_from": pages_from, "page_at": page_at}


def _page(page: int, case: Case, new: Case, count: int) -> int:
    """Return a page number that is as far from a wrap, from the pool's end, or from where its negative begins."""
    before = case.num_pages or 0
    at_wraps = _at_wraps(page, case, new)
    if at_wraps != page or case.page_pitch == PACKED_PITCH:
        return at_wraps
    if before - 1 <= page <= 2 * before:
        return page - before + count
    return page + before - count if -before <= page <= -before + 1 else page


def _at_wraps(page: int, case: Case, new: Case) -> int:
    """Return the page that is as far from the one at 2, 4, 8 or 16 GiB, or the same where a page is at none."""
    for gib in (2, 4, 8, 16):
        here, there = (gib * 2**30 // of.page_bytes for of in (case, new))
        if abs(page - here) <= NEAR:
            return there + page - here
    return page


def _drawn(case: Case) -> int:
    """Return how many pages the case's sequences are given."""
    return num_pages_of(replace(case, num_pages=None, pages_from=0)) - SPARE_PAGES
