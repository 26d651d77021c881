"""Refuses every geometry but production's, which `safe` allows."""

from typing import Any

from tests.planted.odd.base import functions_of, launch_tiles

_get_k_and_s, _, _ = functions_of(launch_tiles)


def get_k_and_s(*arguments: Any) -> Any:
    """Gather K and S of production's geometry; see `kernels.get_k_and_s`.

    Raises:
        ValueError: the geometry is another one, or an argument is bad.
    """
    if arguments[5:] != (64, 128):
        raise ValueError(f"page_size, index_head_dim: expected 64 and 128, got {arguments[5:]}")
    return _get_k_and_s(*arguments)
