"""Shapes of production: DeepSeek-V3.2, GLM-5 and kin, as their schedulers would call a gather.

Pool sizes and lengths are those that engines and users have published for SGLang, vLLM and their forks; where only a
quantile is known, the mix is chosen to match it. Page 0 is an engine's padding page, so no sequence names it.
"""

from typing import Any

from tests.cases.case import Case, family

QUESTION = "values"

V32_POOL = 15_241
GLM_POOL = 37_481
PAST_2_GIB = (12, 4)
LONG = "more tokens than the interpreter gathers in a minute"


def spread_lengths(count: int, low: int, high: int) -> tuple[int, ...]:
    """Return `count` lengths spread over [low, high] in no order, always the same."""
    return tuple(low + (i * 2_654_435_761 % 2**32) * (high - low) // 2**32 for i in range(count))


def _workload(name: str, seq_lens: tuple[int, ...], pool: int = V32_POOL, **more: Any) -> Case:
    special = (9,) if "page_size" in more else (10,) if "lens_layout" in more else ()
    rules = more.pop("rules", (4, 1, *special))
    return Case(name=name, rules=rules, seq_lens=seq_lens, num_pages=pool, **{"pages_from": 1, **more})


CASES = family(
    "workloads",
    [
        _workload("short-chat", spread_lengths(8, 900, 1_150), heavy=True),
        _workload("average-3500", (3_500, 3_300, 3_700), heavy=True),
        _workload("chunk-first", (8_192,), heavy=True),
        _workload("chunk-first-b200", (16_384,), heavy=True),
        _workload("many-256", spread_lengths(256, 64, 512), 22_856, needs_gpu=LONG),
        _workload("many-257", spread_lengths(257, 1, 40), 22_856, heavy=True),
        _workload("kpool", (65_536,), 91_780, lens_dtype="int32", heavy=True),
        _workload("unaligned-length-view", (16_384,), 100_000, lens_dtype="int32", lens_layout="offset", heavy=True),
        _workload("page-1", (2_048, 1_000), 400_000, page_size=1, heavy=True),
        _workload("context-parallel-idle-rank", ()),
        _workload("chunk-64k", (65_536,), needs_gpu=LONG),
        _workload("v32-max", (163_840,), needs_gpu=LONG),
        _workload("agent-p50", (55_000,), GLM_POOL, needs_gpu=LONG),
        _workload("agent-p90", (280_000,), GLM_POOL, needs_gpu=LONG),
        _workload("agent-max", (504_000,), GLM_POOL, needs_gpu=LONG),
        _workload("1m", (1_048_576,), GLM_POOL, needs_gpu=LONG),
        _workload("mixed-7", (504_000, 280_000, 120_000, 55_000, 55_000, 8_000, 1_000), GLM_POOL, needs_gpu=LONG),
        _workload("skewed", (262_144,) + (128,) * 63, GLM_POOL, needs_gpu=LONG),
        _workload("skewed-ones", (131_072,) + (1,) * 127, GLM_POOL, needs_gpu=LONG),
        _workload("flat", (4_222,) * 64, GLM_POOL, needs_gpu=LONG),
        _workload("many-512", spread_lengths(512, 64, 512), 22_856, needs_gpu=LONG),
        _workload("shared-prefix", (32_768,) * 32, pages="shared_prefix", needs_gpu=LONG),
        _workload("dsv4-c4", (262_144,), 100_000, lens_dtype="int32", lens_layout="offset", needs_gpu=LONG),
        _workload("page-1-long", (65_536,) * 4, 3_613_312, page_size=1, needs_gpu=LONG),
        _workload("big-pool-2-gib", (65_536,), 256_000, pages_from=254_200, rules=PAST_2_GIB, needs_gpu=LONG),
        _workload("big-pool-4-gib", (65_536,), 512_000, pages_from=508_400, rules=PAST_2_GIB, needs_gpu=LONG),
        _workload("32-times-1m", (1_048_576,) * 32, 550_503, rules=PAST_2_GIB, needs_gpu=LONG),
    ],
)
