"""Workloads whose speed is measured: shapes of production that span launch-bound to bandwidth-bound calls.

The first fourteen are those that the project's figures are stated over. All are looked up by name.
"""

from typing import Any

from tests.cases.case import Case, family
from tests.cases.workloads import spread_lengths


def _workload(name: str, *seq_lens: int, **more: Any) -> Case:
    return Case(name=name, rules=(1,), seq_lens=seq_lens, spare_columns=0, **more)


STATED = family(
    "latency",
    [
        _workload("1x128", 128),
        _workload("1x4k", 4_096),
        _workload("1x8k", 8_192),
        _workload("8x1k", *(1_024,) * 8),
        _workload("1x32k", 32_768),
        _workload("1x64k", 65_536),
        _workload("1x160k", 163_840),
        _workload("32x4k", *(4_096,) * 32),
        _workload("64-mixed", *spread_lengths(64, 1, 8_192)),
        _workload("256-short", *spread_lengths(256, 64, 512)),
        _workload("64-skewed", 262_144, *(128,) * 63),
        _workload("64x4222", *(4_222,) * 64),
        _workload("128-skewed-ones", 131_072, *(1,) * 127),
        _workload("1x1m", 1_048_576),
    ],
)
"""What figures against a copy and against other implementations are geometric means of."""

FURTHER = family(
    "latency",
    [
        _workload("1x16k", 16_384),
        _workload("8x8k", *(8_192,) * 8),
        _workload("1024-short", *spread_lengths(1_024, 16, 128)),
        _workload("page-1-32k", 32_768, page_size=1),
    ],
)
"""What is gated besides: the plan's borders, very large batches, pages of one token."""

GATED = [*STATED, *FURTHER]

MAIN = ("1x4k", "1x32k", "32x4k", "64-skewed")
"""Workloads on which `get_k` and `get_s` are gated too; elsewhere `get_k_and_s` stands for them."""
