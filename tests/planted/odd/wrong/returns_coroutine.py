"""Asynchronous: a call returns what is still to be awaited."""

from typing import Any

from tests.planted.faults import plain


async def get_k_and_s(*arguments: Any) -> Any:
    """Gather K and S, once awaited."""
    return plain.get_k_and_s(*arguments)
