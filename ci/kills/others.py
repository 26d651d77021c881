"""Tests of other projects' gathers, re-stated as rows: they stand beside the catalogue in the kill table."""

from tests.cases.case import Case, family

SGLANG = family(
    "sglang-test",
    # python/sglang/test: the manual test of GetKAndS.
    [Case(name="manual", rules=(4,), seq_lens=(256, 267, 215, 32, 129))],
)
FLAG_GEMS = family(
    "flag-gems-test",
    # tests/test_cp_gather_indexer_k_quant_cache.py; head dims that are scaled by more than one number have one here.
    [
        Case(name="linear", rules=(9, 4), seq_lens=(13, 7, 16), page_size=8),
        Case(name="linear-wide", rules=(9, 4), seq_lens=(17, 1, 33, 9), page_size=16, index_head_dim=512),
        Case(
            name="binary-search",
            rules=(4,),
            seq_lens=(5, 0, 19, 64, 1, 7, 0, 33, 12, 3, 70, 8, 2, 41, 16, 9, 27, 4, 1, 30),
        ),
        Case(name="many-tokens", rules=(9, 4), seq_lens=(300, 129, 511, 64, 1, 257), index_head_dim=256),
    ],
)
VLLM = family(
    "vllm-test",
    # tests/kernels/attention/test_cache.py, test_cp_gather_cache_mla: 8 lengths up to 512 are drawn, pages of 16.
    [Case(name="drawn", rules=(9, 4), seq_lens=(44, 239, 33, 507, 371, 0, 190, 323), page_size=16)],
)
PROJECTS = {"SGLang": SGLANG, "FlagGems": FLAG_GEMS, "vLLM": VLLM}
ROWS = [case for cases in PROJECTS.values() for case in cases]
