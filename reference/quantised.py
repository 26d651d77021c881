"""Keys as DeepSeek's indexer has them: quantised, written into pages token by token, and scored against queries."""

import torch

from reference.coded_pool import coded_rows
from reference.layout import BLOCKS, Layout

HEADS = 64
TOP = 2_048
"""Tokens that a query attends to."""
_LARGEST = 448.0
"""Of fp8 e4m3."""
_LEAST_SCALE = 1e-4 / _LARGEST


def keys_of(slots: torch.Tensor, index_head_dim: int, seed: int) -> torch.Tensor:
    """Return the key of each token slot before it is quantised, `(rows, index_head_dim)` fp32 of many magnitudes.

    Args:
        slots: `(rows,)` int64, none negative.
        index_head_dim: lanes of a key.
        seed: which of the keys, 0 or more.
    """
    lanes, magnitude = coded_rows(slots, 4 * index_head_dim, seed)
    # Through fp64, as every device rounds it the same way.
    numbers = (lanes.view(torch.int32).double() / 2**31).float()
    return numbers * torch.exp2(magnitude[:, :1].float() % 9 - 4)


def quantised(keys: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return keys in fp8 e4m3 with an fp32 scale a token.

    Args:
        keys: `(rows, index_head_dim)` fp32.

    Returns:
        `k`, `(rows, index_head_dim)` uint8, and `s`, `(rows, 4)` uint8.
    """
    scales = (keys.abs().amax(dim=1, keepdim=True) / _LARGEST).clamp(min=_LEAST_SCALE)
    return (keys / scales).to(torch.float8_e4m3fn).view(torch.uint8), scales.view(torch.uint8)


def write(
    pool: torch.Tensor, slots: torch.Tensor, k: torch.Tensor, s: torch.Tensor, page_size: int, layout: Layout = BLOCKS
) -> None:
    """Write each token's K and S at its slot, as an engine's store kernel does.

    Args:
        pool: `(num_pages, page_bytes)` uint8.
        slots: `(rows,)` int64, `page * page_size + slot`.
        k: `(rows, index_head_dim)` uint8.
        s: `(rows, 4)` uint8.
        page_size: tokens of a page.
        layout: of its pages.
    """
    page, slot = slots // page_size, slots % page_size
    keys = layout.keys(pool, page_size, k.shape[1])
    keys[page, slot // layout.tile_tokens, slot % layout.tile_tokens] = k.view(-1, *keys.shape[3:])
    layout.scales(pool, page_size, k.shape[1])[page, slot] = s


def queries(count: int, index_head_dim: int, seed: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return queries of the indexer, and the weights of their heads.

    Returns:
        `(count, 64, index_head_dim)` fp32 that fp8 holds, and `(count, 64)` fp32.
    """
    of = torch.arange(count * HEADS, device=device)
    q, s = quantised(keys_of(of, index_head_dim, seed + 1_000_003))
    weights = s.view(torch.float32) * (index_head_dim * HEADS) ** -0.5
    return dequantised_keys(q).view(count, HEADS, -1), weights.view(count, HEADS)


def dequantised_keys(k: torch.Tensor) -> torch.Tensor:
    """Return fp8 keys, `(rows, index_head_dim)` uint8, as fp32 without their scales."""
    return k.view(torch.float8_e4m3fn).float()


def logits(q: torch.Tensor, weights: torch.Tensor, k: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """Return the indexer's logits, `(queries, rows)` fp32: over heads, the weighted sum of what ReLU leaves of each
    product, times the key's scale.

    Args:
        q: `(queries, 64, index_head_dim)` fp32.
        weights: `(queries, 64)` fp32.
        k: `(rows, index_head_dim)` uint8.
        s: `(rows, 4)` uint8.
    """
    products = torch.relu(q @ dequantised_keys(k).T)
    return torch.einsum("qhr,qh->qr", products, weights) * s.view(torch.float32)[:, 0]
