"""Other projects' gathers, as data: what their functions are called, what they are called with, and what they import.

A function is looked for by its name, in whatever file of the installed package defines it. Signatures change from
release to release: of each project's forms, the first whose functions are there is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SEVEN = ("buf", "page_indices", "seq_lens", "seq_len_sum", "max_seq_len", "page_size", "index_head_dim")
ONE_SEQUENCE = ("buf", "pages_of_sequence", "seq_len", "page_size", "index_head_dim")
POOL = ("pool", "buf", "seq_len", "pages_of_sequence")


@dataclass(frozen=True)
class Function:
    """One function of another project, and what it is called with."""

    name: str
    """Of a function, or `Class.method`."""
    arguments: Sequence[Any]
    """As `kernels.peers.foreign.Foreign` takes them."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Its keyword arguments, and `returns` and `one_sequence`."""


@dataclass(frozen=True)
class Form:
    """The functions of some releases."""

    functions: Mapping[str, Function]
    """By the name of the contract's function that each stands for."""
    has: str = ""
    """A parameter by which the form is known, where releases share the functions' names."""


@dataclass(frozen=True)
class Peer:
    """Another project."""

    package: str
    """What is imported."""
    install: str
    """What brings it, in words."""
    forms: Sequence[Form]
    answers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What is imported from the package and must mean something, by module and name: expressions over `torch`, `triton`
    and `SimpleNamespace`. All else that is imported from the package, or is not installed, is nothing."""
    note: str = ""
    """What it must be examined with."""


def _form(has: str = "", **functions: Function) -> Form:
    return Form(functions, has)


_VLLM = ("pages", "k", "s", "page_indices:int32", "cu_seq_lens")
_FP8 = {"current_platform": "SimpleNamespace(fp8_dtype=lambda: torch.float8_e4m3fn, is_rocm=lambda: False)"}

PEERS: Mapping[str, Peer] = {
    "sglang": Peer(
        "sglang",
        "pip install --no-deps sglang==0.5.23",
        (
            _form("seq_lens", get_k_and_s=Function("_get_k_and_s_triton", SEVEN)),
            _form(
                "seq_len",
                get_k_and_s=Function("_get_k_and_s_triton", ONE_SEQUENCE, {"one_sequence": True}),
                get_k=Function("_get_k_triton", ONE_SEQUENCE, {"one_sequence": True, "returns": ("k",)}),
                get_s=Function("_get_s_triton", ONE_SEQUENCE, {"one_sequence": True, "returns": ("s",)}),
            ),
            _form(
                get_k=Function("GetK.execute", POOL, {"one_sequence": True, "returns": ("k",)}),
                get_s=Function("GetS.execute", POOL, {"one_sequence": True, "returns": ("s",)}),
            ),
        ),
        {"sglang.srt.layers.attention.dsa.utils": {"INDEXER_K_CACHE_PRESHUFFLE_TILE": "16"}},
    ),
    "vllm": Peer(
        "vllm",
        "pip install --no-deps vllm",
        (
            _form(
                "token_to_seq",
                get_k_and_s=Function(
                    "cp_gather_indexer_k_quant_cache_triton",
                    ("pages", "k:fp8", "s", "page_indices:int32", "cu_seq_lens", "token_to_seq"),
                ),
            ),
        ),
        {"vllm.platforms": _FP8, "vllm.triton_utils": {"tl": "triton.language", "triton": "triton"}},
        note="its pool is of --layout tiles, or of --page-size 1",
    ),
    "tensorrt_llm": Peer(
        "tensorrt_llm",
        "pip install --no-deps tensorrt_llm",
        (
            _form(
                get_k_and_s=Function(
                    "triton_gather_k_cache", ("buf", "k_bytes", "s_bytes", 0, "seq_len_sum", "index_head_dim")
                )
            ),
        ),
    ),
    "flag_gems": Peer(
        "flag_gems",
        "pip install --no-deps a flag_gems that has it, from its repository",
        (_form(get_k_and_s=Function("cp_gather_indexer_k_quant_cache", _VLLM)),),
    ),
    "lightllm": Peer(
        "lightllm",
        "pip install --no-deps a lightllm that has it, from its repository",
        (
            _form(
                "req_to_token_indexs",
                get_k_and_s=Function(
                    "extract_indexer_ks",
                    ("tokens", "seq_lens", "sequence_ids", "slot_table", "seq_len_sum", "max_seq_len", 0),
                ),
            ),
            _form("SrcLoc", get_k_and_s=Function("extract_indexer_ks", ("tokens", "slots"))),
            _form("mem_index", get_k_and_s=Function("extract_indexer_ks", ("tokens", "slots"))),
        ),
        note="its pool is of --page-size 1",
    ),
}
"""By the short name that `--impl` takes."""
