"""`get_k`, `get_s` and `get_k_and_s`: one launch a call, and little time on the host."""

import torch

from kernels.launch import call_of
from kernels.layout import SCALE_BYTES


def get_k_and_s(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather the keys and scales of every token of a batch out of a paged pool, in one launch.

    Token `t` of sequence `b` lies in slot `t % page_size` of page `page_indices[b, t // page_size]` and becomes
    row `seq_lens[:b].sum() + t` of the results.

    Args:
        buf: `(num_pages, page_size * (index_head_dim + 4))` uint8, the pool; rows may lie further apart than
            their length.
        page_indices: `(batch, max_pages)` int32 or int64, the pages of each sequence in order; any strides.
            Entries past a sequence's last page are never used.
        seq_lens: `(batch,)` int32 or int64, tokens of each sequence; any stride.
        seq_len_sum: the sum of `seq_lens`, rows of the results.
        max_seq_len: the maximum of `seq_lens`, or more, as far as the table reaches.
        page_size: tokens of a page.
        index_head_dim: bytes of a key, a multiple of 4 up to 512.

    Returns:
        `k`, `(seq_len_sum, index_head_dim)` uint8, and `s`, `(seq_len_sum, 4)` uint8: new, contiguous, on
        `buf`'s device. Rows of pages outside the pool are zero. If the device's `seq_lens`
        disagree with the host's numbers, nothing outside the arguments is read and nothing outside the results
        is written.

    Raises:
        TypeError: an argument is of the wrong type or dtype.
        ValueError: an argument's rank, shape, device or value is wrong.
    """
    call = call_of(True, True, buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim)
    # Two allocations take the host as long as one with two views of it, and sizes one by one less than a tuple of them.
    k, s = buf.new_empty(seq_len_sum, index_head_dim), buf.new_empty(seq_len_sum, SCALE_BYTES)
    call.fill(k, s, buf, page_indices, seq_lens)
    return k, s


def get_k(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> torch.Tensor:
    """Gather the keys alone: the first result of `get_k_and_s`, with the same arguments and errors."""
    call = call_of(True, False, buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim)
    k = buf.new_empty(seq_len_sum, index_head_dim)
    call.fill(k, k, buf, page_indices, seq_lens)
    return k


def get_s(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> torch.Tensor:
    """Gather the scales alone: the second result of `get_k_and_s`, with the same arguments and errors."""
    call = call_of(False, True, buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim)
    s = buf.new_empty(seq_len_sum, SCALE_BYTES)
    call.fill(s, s, buf, page_indices, seq_lens)
    return s
