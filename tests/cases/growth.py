"""Requests that grow, as a serving engine's do from hour to hour: what they compile must not grow with them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from tests.cases.case import Case, Quantity, family

QUESTION = "variants"

PAGE_SIZE = 64
LONGEST = 1 << 20
MOST_SEQUENCES = 2_048
MOST_TOKENS = 1 << 18
DOUBLINGS = 12
A_FEW = 8
"""Variants that are no growth."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """The sizes of one call; what its tensors hold decides about no launch."""

    seq_lens: tuple[int, ...]
    table_width: int
    """Columns of the page table."""
    num_pages: int
    """Pages of the pool."""
    page_size: int = PAGE_SIZE
    index_head_dim: int = 128
    page_bytes: int = PAGE_SIZE * 132


def growing_requests(count: int) -> Iterator[Request]:
    """Yield `count` requests whose lengths, batches, table widths and pools grow.

    Lengths grow from 1 to 1,048,576 tokens, batches to 2,048 sequences. Even requests have sequences of about the same
    length, as many as 262,144 tokens allow; of odd ones all but the first are short.
    """
    for number in range(count):
        far = number / max(count - 1, 1)
        longest = int(LONGEST**far) + number % 7
        batch = 1 + int((MOST_SEQUENCES - 1) * far**2)
        if number % 2:
            seq_lens = (longest, *(1 + (longest + place) % min(longest, 100) for place in range(batch - 1)))
        else:
            batch = min(batch, max(1, MOST_TOKENS // longest))
            seq_lens = tuple(longest - place % min(longest, 64) for place in range(batch))
        width = -(-longest // PAGE_SIZE) + number % 19
        pages = sum(-(-length // PAGE_SIZE) for length in seq_lens)
        yield Request(seq_lens=seq_lens, table_width=width, num_pages=pages + 1 + 13 * number)


def doubling_requests(quantity: Quantity, case: Case | None = None) -> Iterator[Request]:
    """Yield requests in which one quantity doubles 12 times, all else being nearly equal, on pages as a case has them.

    There are three batches of each doubling, since one variant for each is allowed. No size is 1 or a multiple of 16,
    which Triton by itself specialises on: it does not tell these requests apart.
    """
    pages = (
        {"page_size": case.page_size, "index_head_dim": case.index_head_dim, "page_bytes": case.page_bytes}
        if case
        else {}
    )
    size = case.page_size if case else PAGE_SIZE

    def ends_within(count: int) -> int:
        return size * count - 1 if size > 1 else count

    if quantity == "batches":
        for power, more in product(range(2, 2 + DOUBLINGS), (1, 2, 3)):
            batch = 2**power + more
            yield Request(
                seq_lens=(65, *(1,) * (batch - 1)), table_width=max(33, -(-65 // size)), num_pages=131, **pages
            )
        return
    for power in range(3, 3 + DOUBLINGS):
        grown = 2**power + 1
        length = ends_within(grown if quantity == "lengths" else 33)
        seq_lens = (length, 65, 1)
        needed = sum(-(-tokens // size) for tokens in seq_lens)
        width = -(-max(seq_lens) // size)
        yield Request(
            seq_lens=seq_lens,
            table_width=grown + max(32, width - 1) if quantity == "table_widths" else width + 32,
            num_pages=needed + (2 * grown if quantity == "pools" else 1 + needed % 2),
            **pages,
        )


def most_variants(quantity: Quantity) -> int:
    """Return how many variants such requests may compile: a few for small and large calls, and of batches one more for
    each power of two."""
    return A_FEW + (DOUBLINGS if quantity == "batches" else 0)


CASES = family(
    "growth",
    [
        Case(name="lengths", rules=(18,), seq_lens=(2_111, 65, 1), grows="lengths"),
        Case(name="batches", rules=(18,), seq_lens=(65, 1), grows="batches"),
        Case(name="table-widths", rules=(18,), seq_lens=(2_111, 65, 1), grows="table_widths"),
        Case(name="pools", rules=(18,), seq_lens=(2_111, 65, 1), grows="pools"),
    ],
)
