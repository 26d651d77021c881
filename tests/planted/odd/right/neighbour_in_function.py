"""A neighbour that is imported when the first call comes, as what is dear to import often is."""

from typing import Any


def get_k_and_s(*arguments: Any) -> Any:
    """Gather K and S; see `kernels.get_k_and_s`."""
    import keywords  # type: ignore[import-not-found]

    return keywords.get_k_and_s(*arguments)
