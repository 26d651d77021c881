"""Imports a neighbour that is not there from its package, when it is called."""

from typing import Any


def get_k_and_s(*arguments: Any) -> Any:
    """Gather K and S; see `kernels.get_k_and_s`."""
    from tests.planted.odd.wrong import a_file_that_nobody_wrote  # type: ignore[attr-defined]

    return a_file_that_nobody_wrote.gather(*arguments)
