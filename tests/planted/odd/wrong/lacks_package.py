"""Imports a package that only a machine with a GPU has, when it is called."""

from typing import Any


def get_k_and_s(*arguments: Any) -> Any:
    """Gather K and S; see `kernels.get_k_and_s`."""
    import package_that_only_gpus_have  # type: ignore[import-not-found]

    return package_that_only_gpus_have.gather(*arguments)
