"""One draw of where things lie: a pool, page tables that share no page, and as many bytes laid end to end."""

from dataclasses import dataclass

import numpy as np
import torch

from tests.calls.inputs import DTYPES, Arguments
from tests.cases.case import Case

SHIFT_BYTES = 1 << 20
"""A draw moves what it allocates by up to this much."""

REPLAY_SECONDS = 0.5e-3
"""A replay's least length: events tick every 0.5 us, and what surrounds the calls costs a few."""
MOST_CALLS = 400
"""Calls of one graph at the most: with more, its capture takes longer than what it measures is worth."""
LAUNCH_SECONDS = 1.3e-6
"""What the shortest kernel of a graph takes, its place in the queue included."""
BYTES_A_SECOND = 2.6e12
"""What a copy of some megabytes reads and writes on an H100. On a slower card a replay is longer than it must be."""
COLD_L2_TIMES = 4
"""Bytes touched between two uses of a page, in sizes of the L2: a use after fewer may be a hit."""


@dataclass(frozen=True)
class Budget:
    """What one graph holds."""

    calls: int
    """Unrolled calls of a graph."""
    tables: int
    """Page tables that they go through in turn; no two name the same page."""


def budget_of(needed_bytes: int, l2_bytes: int) -> Budget:
    """Return how many calls make a replay long enough, and how many tables keep them cold.

    Args:
        needed_bytes: what one call reads of the pool, and as many that it writes.
        l2_bytes: the GPU's L2.
    """
    seconds = LAUNCH_SECONDS + 2 * needed_bytes / BYTES_A_SECOND
    calls = min(MOST_CALLS, max(2, -(-int(REPLAY_SECONDS * 1e9) // max(1, int(seconds * 1e9)))))
    between = -(-COLD_L2_TIMES * l2_bytes // max(needed_bytes, 1))
    return Budget(calls, min(calls, between + 1))


class Placement:
    """The memory of one draw, which all sides share.

    Args:
        case: the workload; its `page_size`, `index_head_dim`, dtypes and lengths count.
        device: a CUDA device.
        seed: of everything that is drawn: the pages of each table, their order, and where allocations lie.
        l2_bytes: of the GPU unless given.
    """

    def __init__(self, case: Case, device: torch.device, seed: int, l2_bytes: int | None = None) -> None:
        self.case = case
        self.device = device
        self.l2_bytes = l2_bytes or torch.cuda.get_device_properties(device).L2_cache_size
        self.rows = case.seq_len_sum
        self.needed_bytes = self.rows * (case.index_head_dim + 4)
        """Bytes that one call must read of the pool, and as many that it must write."""
        self.budget = budget_of(self.needed_bytes, self.l2_bytes)
        rng = np.random.default_rng([seed, self.rows, len(case.seq_lens)])
        # Held as long as the placement lives, so that what follows lies elsewhere than in the draw before.
        self._shift = torch.empty(int(rng.integers(1, SHIFT_BYTES)), dtype=torch.uint8, device=device)
        self.arguments = self._arguments(rng)
        self.sources = self._sources()

    def _arguments(self, rng: np.random.Generator) -> list[Arguments]:
        case, tables = self.case, self.budget.tables
        needed = np.array(case.pages_needed, dtype=np.int64)
        pages_a_call = int(needed.sum())
        # Not fewer than the L2 is hot with, so that the pages of small calls lie as far apart as in production.
        num_pages = max(tables * pages_a_call, COLD_L2_TIMES * self.l2_bytes // case.page_bytes)
        buf = _random_bytes((num_pages, case.page_bytes), self.device, rng)
        pages = rng.permutation(num_pages)[: tables * pages_a_call].reshape(tables, pages_a_call)
        width = max(int(needed.max(initial=0)) + case.spare_columns, 1)
        columns = np.arange(width)
        is_needed = columns[None, :] < needed[:, None]
        lens = torch.tensor(case.seq_lens, dtype=DTYPES[case.lens_dtype], device=self.device)
        table = np.zeros((tables, len(needed), width), dtype=np.int64)
        table[:, is_needed] = pages
        on_device = torch.from_numpy(table).to(DTYPES[case.table_dtype]).to(self.device)
        return [
            # Each in memory of its own, aligned as allocations are.
            Arguments(
                buf, of_call.clone(), lens, case.seq_len_sum, case.max_seq_len, case.page_size, case.index_head_dim
            )
            for of_call in on_device
        ]

    def _sources(self) -> list[torch.Tensor]:
        """Return ranges of the pool, each of the bytes of one call, that a copy reads in turn."""
        flat = self.arguments[0].buf.view(-1)
        step = (self.needed_bytes + 255) // 256 * 256
        count = max(1, min(self.budget.tables, len(flat) // max(step, 1)))
        return [flat[start * step : start * step + self.needed_bytes] for start in range(count)]


def _random_bytes(shape: tuple[int, int], device: torch.device, rng: np.random.Generator) -> torch.Tensor:
    generator = torch.Generator(device).manual_seed(int(rng.integers(2**31)))
    return torch.randint(0, 256, shape, dtype=torch.uint8, device=device, generator=generator)
