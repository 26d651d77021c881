"""Where K and S lie in a page: the only place of the project's kernels that knows."""

from typing import NamedTuple

SCALE_BYTES = 4
"""Bytes of one token's scale: one fp32."""


class PageLayout(NamedTuple):
    """A page of `page_size` tokens: first all keys, `index_head_dim` bytes each, then all scales, 4 bytes each.

    In bytes from the start of a page, token `t` has its key at `t * index_head_dim` and its scale at
    `page_size * index_head_dim + t * 4`. Production uses page_size 64 and index_head_dim 128: 8,448 bytes a page.
    """

    page_size: int
    index_head_dim: int

    @property
    def page_bytes(self) -> int:
        """Bytes of one page."""
        return self.page_size * (self.index_head_dim + SCALE_BYTES)
