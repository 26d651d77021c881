"""How the keys and scales of a page lie in it. Pools, oracles and blame follow from these descriptions.

Data, and views of tensors that are made elsewhere: whoever only reads a catalogue needs no torch.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch

SCALE_BYTES = 4
PADDING = 0xA5
"""The byte that lies behind the last token of a padded page."""


class Layout(NamedTuple):
    """A layout of pages, whatever their size."""

    tile_tokens: int = 1
    """Keys of so many tokens lie in tiles, one tile after the other along the key, then the next tokens."""
    tile_bytes: int | None = None
    """Bytes of each key in a tile, or all of them."""
    is_interleaved: bool = False
    """Whether each key is followed by its scale; else all scales follow all keys."""
    page_multiple: int = 1
    """Pages are padded to a multiple of so many bytes."""

    def page_bytes(self, page_size: int, index_head_dim: int) -> int:
        """Return the bytes of a page, padding included."""
        held = page_size * (index_head_dim + SCALE_BYTES)
        return -(-held // self.page_multiple) * self.page_multiple

    def why_not(self, page_size: int, index_head_dim: int) -> str | None:
        """Return why there are no such pages, or None if there are."""
        lanes = self.tile_bytes or index_head_dim
        if page_size % self.tile_tokens or index_head_dim % lanes:
            return f"no such pages: {page_size} tokens of {index_head_dim} bytes in tiles of {self.tile_tokens}x{lanes}"
        return None

    def keys(self, pages: "torch.Tensor", page_size: int, index_head_dim: int) -> "torch.Tensor":
        """Return pages' keys as a view, `(pages, page_size / T, T, index_head_dim / B, B)` of `T` tokens and `B` bytes
        a tile."""
        if self.is_interleaved:
            return _tokens(pages, page_size, index_head_dim)[:, :, None, None, :index_head_dim]
        lanes = self.tile_bytes or index_head_dim
        tiles = (page_size // self.tile_tokens, index_head_dim // lanes, self.tile_tokens, lanes)
        return pages[:, : page_size * index_head_dim].unflatten(1, tiles).transpose(2, 3)

    def scales(self, pages: "torch.Tensor", page_size: int, index_head_dim: int) -> "torch.Tensor":
        """Return pages' scales as a view, `(pages, page_size, 4)`."""
        if self.is_interleaved:
            return _tokens(pages, page_size, index_head_dim)[:, :, index_head_dim:]
        first = page_size * index_head_dim
        return pages[:, first : first + page_size * SCALE_BYTES].unflatten(1, (page_size, SCALE_BYTES))

    def pages_of(self, k: "torch.Tensor", s: "torch.Tensor", page_size: int) -> "torch.Tensor":
        """Return the pages that hold rows.

        Args:
            k: `(pages * page_size, index_head_dim)` uint8.
            s: `(pages * page_size, 4)` uint8.
            page_size: tokens of a page.

        Returns:
            `(pages, page_bytes)` uint8, on `k`'s device.
        """
        dim = k.shape[1]
        pages = k.new_empty((k.shape[0] // page_size, self.page_bytes(page_size, dim)))
        pages[:, page_size * (dim + SCALE_BYTES) :] = PADDING
        keys = self.keys(pages, page_size, dim)
        keys.copy_(k.view(keys.shape))
        self.scales(pages, page_size, dim).copy_(s.view(-1, page_size, SCALE_BYTES))
        return pages


def _tokens(pages: "torch.Tensor", page_size: int, index_head_dim: int) -> "torch.Tensor":
    pitch = index_head_dim + SCALE_BYTES
    return pages[:, : page_size * pitch].unflatten(1, (page_size, pitch))


BLOCKS = Layout()
LAYOUTS: Mapping[str, Layout] = {
    "blocks": BLOCKS,
    "interleaved": Layout(is_interleaved=True),
    "tiles": Layout(tile_tokens=16, tile_bytes=16),
    "padded": Layout(page_multiple=1_024),
}
"""By name: production's, K and scale of each token together, AMD's preshuffled 16x16 tiles, padded pages."""


@cache
def places(name: str, page_size: int, index_head_dim: int) -> tuple["torch.Tensor", "torch.Tensor"]:
    """Return where in a page of a layout each byte lies: of keys, `(page_size, index_head_dim)` int64, and of scales,
    `(page_size, 4)` int64."""
    import torch

    layout = LAYOUTS[name]
    page = torch.arange(layout.page_bytes(page_size, index_head_dim))[None]
    k = layout.keys(page, page_size, index_head_dim).reshape(page_size, index_head_dim)
    return k, layout.scales(page, page_size, index_head_dim).reshape(page_size, SCALE_BYTES)
