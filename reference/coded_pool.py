"""Pools whose every byte tells which page, token and lane it is.

A word of 4 bytes is a one-to-one mixture of its token's slot number (`page * page_size + token`), keyed by its lane
and by a seed. So what a gather should return is known without reading the pool, and what it did return can be decoded:
a row of the wrong page says which page it is. Lanes are the words of a key, `index_head_dim / 4` of them, and one
more for the scale.
"""

from functools import lru_cache

import torch

from reference.layout import BLOCKS, Layout

_MASK = 0xFFFFFFFF


def _signed(number: int) -> int:
    return number - ((number & 1 << 31) << 1)


# MurmurHash3's 32-bit finaliser: a bijection in which each bit of the slot reaches every byte of the word.
_MULTIPLIERS = (0x85EBCA6B, 0xC2B2AE35)
_INVERSES = tuple(_signed(pow(m, -1, 1 << 32)) for m in _MULTIPLIERS)
_GOLDEN = 0x9E3779B9


def _shifted(x: torch.Tensor, bits: int) -> torch.Tensor:
    """Return int32 numbers shifted to the right as if they had no sign."""
    return (x >> bits).bitwise_and_(_MASK >> bits)


def _mix(x: torch.Tensor) -> torch.Tensor:
    """Mix `x`, int32, in its place: products of 32 bits wrap as the finaliser's do."""
    for bits, multiplier in zip((16, 13), _MULTIPLIERS, strict=True):
        x.bitwise_xor_(_shifted(x, bits)).mul_(_signed(multiplier))
    return x.bitwise_xor_(_shifted(x, 16))


def _unmix(x: torch.Tensor) -> torch.Tensor:
    x = (x ^ _shifted(x, 16)) * _INVERSES[1]
    x = (x ^ _shifted(x, 13) ^ _shifted(x, 26)) * _INVERSES[0]
    return x ^ _shifted(x, 16)


@lru_cache(maxsize=64)
def _lane_keys(index_head_dim: int, seed: int, device: torch.device) -> torch.Tensor:
    keys = [(lane * _GOLDEN + seed * 0x632BE5AB + 1) & _MASK for lane in range(index_head_dim // 4 + 1)]
    return _mix(torch.tensor([_signed(key) for key in keys], dtype=torch.int32)).to(device)


def _words(rows: torch.Tensor) -> torch.Tensor:
    return rows.contiguous().view(torch.int32)


def coded_rows(slots: torch.Tensor, index_head_dim: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the K and S bytes that a coded pool holds for token slots.

    Args:
        slots: `(rows,)` int64, `page * page_size + token` below 2**32, or negative for a row of zeros.
        index_head_dim: bytes of a key, a multiple of 4.
        seed: which of the codes, 0 or more.

    Returns:
        `k`, `(rows, index_head_dim)` uint8, and `s`, `(rows, 4)` uint8, on `slots`'s device.
    """
    if index_head_dim % 4 or index_head_dim < 4:
        raise ValueError(f"index_head_dim: expected a multiple of 4, got {index_head_dim}")
    keys = _lane_keys(index_head_dim, seed, slots.device)
    return _coded(slots, keys[:-1]), _coded(slots, keys[-1:])


def coded_part(slots: torch.Tensor, index_head_dim: int, seed: int, part: str) -> torch.Tensor:
    """Return one of `coded_rows`: those of the keys, `K`, or of the scales, `S`."""
    keys = _lane_keys(index_head_dim, seed, slots.device)
    return _coded(slots, keys[:-1] if part == "K" else keys[-1:])


def _coded(slots: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    # Made beforehand, so that strides are 1 also of no rows.
    words = torch.empty((len(slots), len(keys)), dtype=torch.int32, device=slots.device)
    torch.bitwise_xor(slots.to(torch.int32)[:, None], keys, out=words)
    return _mix(words).masked_fill_((slots < 0)[:, None], 0).view(torch.uint8)


def coded_pages(
    pages: torch.Tensor, page_size: int, index_head_dim: int, seed: int, layout: Layout = BLOCKS
) -> torch.Tensor:
    """Return whole pages of a coded pool, `(len(pages), page_bytes)` uint8."""
    slots = (pages.to(torch.int64)[:, None] * page_size + torch.arange(page_size, device=pages.device)).flatten()
    return layout.pages_of(*coded_rows(slots, index_head_dim, seed), page_size)


def decode_k(rows: torch.Tensor, seed: int) -> torch.Tensor:
    """Return the slot number that each word of K rows came from, `(rows, index_head_dim / 4)` int64.

    A row that was copied whole from one token has one number in all its lanes; any other bytes decode to noise.
    """
    index_head_dim = rows.shape[1]
    return (_unmix(_words(rows)) ^ _lane_keys(index_head_dim, seed, rows.device)[:-1]).to(torch.int64) & _MASK


def decode_s(rows: torch.Tensor, index_head_dim: int, seed: int) -> torch.Tensor:
    """Return the slot number that each S row came from, `(rows,)` int64."""
    slots = _unmix(_words(rows)) ^ _lane_keys(index_head_dim, seed, rows.device)[-1:]
    return slots[:, 0].to(torch.int64) & _MASK
