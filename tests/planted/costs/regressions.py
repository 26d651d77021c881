"""Regressions of cost to plant in `tests/planted/costs/gather.py`, each with a figure that must change, and how."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.planted.edits import Change

BASE = Path(__file__).with_name("gather.py")
_LAUNCH = "    _page_kernel[grid](\n"


@dataclass(frozen=True, kw_only=True)
class Regression(Change):
    """A change that makes the gather dearer and leaves its results right."""

    path: Path = BASE
    figure: str
    """The end of the name of a figure that must change."""
    now: Callable[[int, int], bool]
    """Whether the figure's old and new value are what the edit does; 0 stands for a figure that is not there."""


REGRESSIONS = [
    Regression(
        name="launched-twice",
        edits={
            _LAUNCH: "    _page_kernel[(1, 1)](\n        buf, page_indices, seq_lens * 0, k, s, 0, 0, 0, page_size, 32\n    )\n"
            + _LAUNCH
        },
        figure="1x128 / get_k_and_s / launches",
        now=lambda was, is_: (was, is_) == (1, 2),
    ),
    Regression(
        name="results-filled-first",
        edits={"    k = torch.empty(": "    k = torch.zeros("},
        figure="1x128 / get_k_and_s / torch operations",
        now=lambda was, is_: (was, is_) == (0, 1),
    ),
    Regression(
        name="table-copied",
        edits={"        page_indices,\n        seq_lens,": "        page_indices.clone(),\n        seq_lens,"},
        figure="1x128 / get_k_and_s / torch operations",
        now=lambda was, is_: (was, is_) == (0, 1),
    ),
    Regression(
        name="keys-loaded-twice",
        edits={
            "    tl.store(k_out + within, k,": "    k |= tl.load(words + within, mask=wanted[:, None], other=0, volatile=True)\n    tl.store(k_out + within, k,"
        },
        figure="1x128 / get_k_and_s / bytes read of buf",
        now=lambda was, is_: is_ - was == 128 * 128,
    ),
    Regression(
        name="loaded-in-single-bytes",
        edits={
            "    words = tl.multiple_of((buf_ptr + number * page_words * 4).to(tl.pointer_type(tl.int32), bitcast=True), 16)\n": "    words = buf_ptr + number * page_words * 4\n",
            "    k = tl.load(words + within, mask=wanted[:, None], other=0)\n": """    k = tl.zeros((PAGE_SIZE, K_WORDS), tl.int32)
    for byte in tl.static_range(4):
        k |= tl.load(words + within * 4 + byte, mask=wanted[:, None], other=0).to(tl.int32) << (8 * byte)
""",
            "    s = tl.load(words + PAGE_SIZE * K_WORDS + token,": "    s = tl.load((words + PAGE_SIZE * K_WORDS * 4).to(tl.pointer_type(tl.int32), bitcast=True) + token,",
        },
        figure="sm_90 / loads of 16 bytes",
        now=lambda was, is_: was > 0 and is_ == 0,
    ),
    Regression(
        name="compiled-for-each-length",
        edits={
            "    K_WORDS: tl.constexpr,\n": "    K_WORDS: tl.constexpr,\n    LONGEST: tl.constexpr,\n",
            "        K_WORDS=index_head_dim // 4,\n": "        K_WORDS=index_head_dim // 4,\n        LONGEST=max_seq_len,\n",
        },
        figure="growing requests / get_k_and_s / variants",
        now=lambda was, is_: was <= 8 and is_ > 500,
    ),
    Regression(
        name="sixteen-times-the-programs",
        edits={
            "    grid = (triton.cdiv(max_seq_len, page_size),": "    grid = (16 * triton.cdiv(max_seq_len, page_size),"
        },
        figure="1x128 / get_k_and_s / programs",
        now=lambda was, is_: is_ == 16 * was,
    ),
    Regression(
        name="registers-spilled",
        edits={"        num_warps=4,\n": "        num_warps=1,\n        maxnreg=32,\n"},
        figure="sm_90 / spill bytes",
        now=lambda was, is_: was == 0 and is_ > 0,
    ),
    Regression(
        name="torch-is-asked-once-more",
        edits={"    grid = (triton": "    buf.is_contiguous()\n    grid = (triton"},
        figure="1x128 / get_k_and_s / host calls into torch",
        now=lambda was, is_: is_ == was + 1,
    ),
    Regression(
        name="a-dictionary-is-copied",
        edits={"    grid = (triton": "    dict(globals())\n    grid = (triton"},
        figure="1x128 / get_k_and_s / host allocations",
        now=lambda was, is_: is_ > was,
    ),
]
