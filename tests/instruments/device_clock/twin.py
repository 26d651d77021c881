"""The frozen twin: a gather that never changes, measured beside the one that does.

It reads and writes the same bytes in the same way, so it is as sensitive to placement, clocks and neighbours. If it
moves, the machine did. Stored runs are compared by the ratio to it, so an edit of the kernel needs a new `NAME`.
"""

from typing import Any

import torch
import triton
import triton.language as tl

NAME = "twin-2"
"""Stands in the history for this very code, and for how the clock replays it."""
TILE = 64
_COMPILED: dict[tuple[Any, ...], Any] = {}
"""Kernels by what they were compiled for: thousands of calls are captured, and Triton's own search takes a while."""


@triton.jit
def _twin_kernel(
    buf_ptr,
    page_indices_ptr,
    seq_lens_ptr,
    k_ptr,
    s_ptr,
    page_stride,
    table_stride,
    PAGE_SIZE: tl.constexpr,
    KEY_WORDS: tl.constexpr,
    TILE: tl.constexpr,
):
    sequence = tl.program_id(1)
    first = tl.program_id(0) * TILE
    length = tl.load(seq_lens_ptr + sequence)
    if first >= length:
        return
    before = tl.zeros((), tl.int64)
    for start in range(0, sequence, 128):
        index = start + tl.arange(0, 128)
        before += tl.sum(tl.load(seq_lens_ptr + index, mask=index < sequence, other=0).to(tl.int64))
    token = first + tl.arange(0, TILE)
    is_token = token < length
    page = tl.load(page_indices_ptr + sequence * table_stride + token // PAGE_SIZE, mask=is_token, other=0)
    at = buf_ptr.to(tl.pointer_type(tl.int32)) + page.to(tl.int64) * page_stride
    lane = tl.arange(0, KEY_WORDS)
    slot = token % PAGE_SIZE
    keys = tl.load((at + slot * KEY_WORDS)[:, None] + lane[None, :], mask=is_token[:, None], other=0)
    scales = tl.load(at + PAGE_SIZE * KEY_WORDS + slot, mask=is_token, other=0)
    row = before + token
    k_at = k_ptr.to(tl.pointer_type(tl.int32)) + row[:, None] * KEY_WORDS + lane[None, :]
    tl.store(k_at, keys, mask=is_token[:, None])
    tl.store(s_ptr.to(tl.pointer_type(tl.int32)) + row, scales, mask=is_token)


def get_k_and_s(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather K and S on valid input whose key is a power of two long; arguments are those of `kernels.get_k_and_s`."""
    k = torch.empty((seq_len_sum, index_head_dim), dtype=torch.uint8, device=buf.device)
    s = torch.empty((seq_len_sum, 4), dtype=torch.uint8, device=buf.device)
    grid = (triton.cdiv(max_seq_len, TILE), seq_lens.shape[0], 1)
    arguments = (buf, page_indices, seq_lens, k, s, buf.stride(0) // 4, page_indices.stride(0))
    constants = (page_size, index_head_dim // 4, TILE)
    # Allocations are aligned alike, so these say it all.
    key = (buf.device, page_indices.dtype, seq_lens.dtype, *arguments[5:], *constants)
    if (compiled := _COMPILED.get(key)) is not None:
        compiled[grid](*arguments, *constants)
    else:  # the interpreter has no kernel to give
        _COMPILED[key] = _twin_kernel[grid](*arguments, *constants, num_warps=2)
    return k, s
