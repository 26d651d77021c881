"""What a gather accepts. Everything else is refused before anything is allocated or launched.

This runs at the first of equal calls only: `kernels.launch` remembers what was accepted.
"""

from typing import NoReturn

import torch

from kernels.layout import SCALE_BYTES, PageLayout

INDEX_DTYPES = (torch.int32, torch.int64)
MAX_INDEX_HEAD_DIM = 512
MAX_BATCH = 2**31 - 1_024
"""Sequences that are counted in 32 bits, with room for the step that leads past the last."""


def check_arguments(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> PageLayout:
    """Return the page layout of a call whose arguments keep the contract.

    Shapes and dtypes are those of `kernels.get_k_and_s`. Only what the host knows is looked at: the contents
    of `page_indices` and `seq_lens` stay on their device.

    Raises:
        TypeError: an argument is of the wrong type or dtype.
        ValueError: an argument's rank, shape, device or value is wrong.
    """
    numbers = {
        "page_size": page_size,
        "index_head_dim": index_head_dim,
        "seq_len_sum": seq_len_sum,
        "max_seq_len": max_seq_len,
    }
    for name, number in numbers.items():
        if type(number) is not int:
            _refuse_type(name, "a Python int", number)
    if page_size < 1:
        raise ValueError(f"page_size: expected 1 or more tokens, got {page_size}")
    if index_head_dim < 1 or index_head_dim % SCALE_BYTES or index_head_dim > MAX_INDEX_HEAD_DIM:
        raise ValueError(
            f"index_head_dim: expected a multiple of {SCALE_BYTES} from {SCALE_BYTES} to "
            f"{MAX_INDEX_HEAD_DIM}, got {index_head_dim}"
        )
    if seq_len_sum < 0:
        raise ValueError(f"seq_len_sum: expected 0 or more tokens, got {seq_len_sum}")
    if max_seq_len < 0:
        raise ValueError(f"max_seq_len: expected 0 or more tokens, got {max_seq_len}")

    for name, tensor in (("buf", buf), ("page_indices", page_indices), ("seq_lens", seq_lens)):
        if not isinstance(tensor, torch.Tensor):
            _refuse_type(name, "a torch.Tensor", tensor)
        if tensor.layout is not torch.strided:
            raise ValueError(f"{name}: expected a dense tensor, got layout {tensor.layout}")
    if buf.dtype is not torch.uint8:
        raise TypeError(f"buf: expected dtype torch.uint8, got {buf.dtype}")
    if page_indices.dtype not in INDEX_DTYPES:
        raise TypeError(f"page_indices: expected dtype torch.int32 or torch.int64, got {page_indices.dtype}")
    if seq_lens.dtype not in INDEX_DTYPES:
        raise TypeError(f"seq_lens: expected dtype torch.int32 or torch.int64, got {seq_lens.dtype}")
    if buf.dim() != 2:
        raise ValueError(f"buf: expected 2 dimensions, got {buf.dim()}")
    if page_indices.dim() != 2:
        raise ValueError(f"page_indices: expected 2 dimensions, got {page_indices.dim()}")
    if seq_lens.dim() != 1:
        raise ValueError(f"seq_lens: expected 1 dimension, got {seq_lens.dim()}")
    device = buf.device
    if page_indices.device != device:
        raise ValueError(f"page_indices: expected the device of buf, {device}, got {page_indices.device}")
    if seq_lens.device != device:
        raise ValueError(f"seq_lens: expected the device of buf, {device}, got {seq_lens.device}")

    layout = PageLayout(page_size, index_head_dim)
    row_bytes = buf.shape[1]
    if row_bytes != layout.page_bytes:
        raise ValueError(
            f"buf: expected rows of page_size * (index_head_dim + {SCALE_BYTES}) = {layout.page_bytes} "
            f"bytes, got {row_bytes}"
        )
    if buf.stride(1) != 1:
        raise ValueError(f"buf: expected rows whose bytes lie side by side, got a stride of {buf.stride(1)}")
    batch, max_pages = page_indices.shape
    if seq_lens.shape[0] != batch:
        raise ValueError(
            f"seq_lens: expected one length for each of the {batch} rows of page_indices, got {seq_lens.shape[0]}"
        )
    if batch > MAX_BATCH:
        raise ValueError(f"seq_lens: expected at most {MAX_BATCH} sequences, got {batch}")
    if max_seq_len > max_pages * page_size:
        raise ValueError(
            f"max_seq_len: expected at most max_pages * page_size = {max_pages * page_size} tokens, got {max_seq_len}"
        )
    return layout


def _refuse_type(name: str, expected: str, given: object) -> NoReturn:
    raise TypeError(f"{name}: expected {expected}, got {type(given).__name__}")
