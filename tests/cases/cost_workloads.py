"""Workloads whose cost is counted without a GPU: shapes of production, small enough for the interpreter.

Each stands for something that decides about cost: one tile and many, an unequal batch, pages of one token, pages that
no tile divides, many sequences, a pool that is aligned to nothing.
"""

from typing import Any

from tests.cases.case import Case, family
from tests.cases.workloads import spread_lengths


def _workload(name: str, *seq_lens: int, **more: Any) -> Case:
    # Other geometries and layouts may be refused; see `Case.may_be_refused`.
    rules = (9,) if "page_size" in more else (10,) if "pool_offset" in more else (1,)
    return Case(name=name, rules=rules, seq_lens=seq_lens, spare_columns=0, **more)


COUNTED = family(
    "cost",
    [
        _workload("1x128", 128),
        _workload("1x4k", 4_096),
        _workload("8x1k", *(1_024,) * 8),
        _workload("skewed", 2_048, *(1,) * 31),
        _workload("64-ragged", *spread_lengths(64, 1, 200)),
        _workload("batch-257", *spread_lengths(257, 1, 16)),
        _workload("page-1", 700, 324, page_size=1),
        _workload("page-48", 700, 324, page_size=48),
        _workload("odd-base", 700, 324, pool_offset=1),
    ],
)
"""Run on the interpreter, and their code compiled."""

LAUNCHED = family(
    "cost",
    [
        _workload("1x160k", 163_840),
        _workload("64-skewed", 262_144, *(128,) * 63),
        _workload("1025-ones", *(1,) * 1_025),
    ],
)
"""Too large for the interpreter: launches and programs are counted and their code compiled, but nothing is run."""

OF_HOST = COUNTED[0]
"""Whose calls' cost for the host is counted: it is the same, whatever the lengths."""

PARTS = ("1x4k", "64-ragged")
"""Workloads on which `get_k` and `get_s` are counted too; elsewhere `get_k_and_s` stands for them."""

GROWING_REQUESTS = 1_000
"""Requests whose compiled variants are counted, for each function; see `tests.cases.growth`."""
