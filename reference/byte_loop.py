"""The contract as a loop over bytes, to be checked by eye against the page layout. Slow, and meant to be."""

import numpy as np


def gather_by_bytes(
    pool: np.ndarray, page_indices: np.ndarray, seq_lens: np.ndarray, page_size: int, index_head_dim: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gather byte by byte.

    Args:
        pool: `(num_pages, page_size * (index_head_dim + 4))` uint8.
        page_indices: `(batch, max_pages)` integers.
        seq_lens: `(batch,)` integers.
        page_size: tokens of a page.
        index_head_dim: bytes of a key.

    Returns:
        `k`, `(sum(seq_lens), index_head_dim)` uint8, and `s`, `(sum(seq_lens), 4)` uint8; zero where the page is none
        of the pool's.
    """
    rows = sum(int(length) for length in seq_lens)
    k = np.zeros((rows, index_head_dim), dtype=np.uint8)
    s = np.zeros((rows, 4), dtype=np.uint8)
    row = 0
    for sequence, length in enumerate(seq_lens):
        for token in range(int(length)):
            page = int(page_indices[sequence, token // page_size])
            slot = token % page_size
            if 0 <= page < pool.shape[0]:
                for lane in range(index_head_dim):
                    k[row, lane] = pool[page, slot * index_head_dim + lane]
                for lane in range(4):
                    s[row, lane] = pool[page, page_size * index_head_dim + slot * 4 + lane]
            row += 1
    return k, s
