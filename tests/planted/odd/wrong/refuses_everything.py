"""Refuses every call in words that name every argument."""

from typing import Any


def get_k_and_s(*arguments: Any) -> Any:
    """Refuse.

    Raises:
        ValueError: always.
    """
    raise ValueError(
        "buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size or index_head_dim is not what it should be"
    )
