"""The contract as int64 tensor indexing: fast enough for a million tokens, on the CPU and on the GPU."""

import torch

from reference.layout import BLOCKS, SCALE_BYTES, Layout


def needed_slots(page_indices: torch.Tensor, seq_lens: torch.Tensor, page_size: int, num_pages: int) -> torch.Tensor:
    """Return, for each row of the result, which token slot of the pool it copies.

    Args:
        page_indices: `(batch, max_pages)` int32 or int64.
        seq_lens: `(batch,)` int32 or int64, none negative.
        page_size: tokens of a page.
        num_pages: pages of the pool.

    Returns:
        `(sum(seq_lens),)` int64 on `page_indices`'s device: `page * page_size + slot`, or -1 where the page is none of
        the pool's.
    """
    lengths = seq_lens.to(torch.int64)
    rows = torch.arange(int(lengths.sum()), device=lengths.device)
    sequence = torch.repeat_interleave(torch.arange(lengths.numel(), device=lengths.device), lengths)
    token = rows - (lengths.cumsum(0) - lengths)[sequence]
    page = page_indices[sequence, token // page_size].to(torch.int64)
    slot = page * page_size + token % page_size
    return torch.where((page >= 0) & (page < num_pages), slot, -1)


def gather_slots(
    pool: torch.Tensor, slots: torch.Tensor, page_size: int, index_head_dim: int, layout: Layout = BLOCKS
) -> tuple[torch.Tensor, torch.Tensor]:
    """Copy the K and S bytes of token slots out of a pool.

    Args:
        pool: `(num_pages, page_bytes)` uint8; rows may lie further apart than their length.
        slots: `(rows,)` int64, `page * page_size + slot`, or -1 for a row of zeros.
        page_size: tokens of a page.
        index_head_dim: bytes of a key.
        layout: of its pages.

    Returns:
        `k`, `(rows, index_head_dim)` uint8, and `s`, `(rows, 4)` uint8, on `pool`'s device.
    """
    is_page = slots >= 0
    page = torch.where(is_page, slots // page_size, 0)
    slot = torch.where(is_page, slots % page_size, 0)
    if pool.shape[0] == 0:
        return (
            torch.zeros((slots.numel(), index_head_dim), dtype=torch.uint8, device=pool.device),
            torch.zeros((slots.numel(), SCALE_BYTES), dtype=torch.uint8, device=pool.device),
        )
    keys, tokens = layout.keys(pool, page_size, index_head_dim), layout.tile_tokens
    k = keys[page, slot // tokens, slot % tokens].flatten(1)
    s = layout.scales(pool, page_size, index_head_dim)[page, slot]
    k[~is_page] = 0
    s[~is_page] = 0
    return k, s
