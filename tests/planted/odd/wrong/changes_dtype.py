"""Changes torch's default dtype in every call."""

from typing import Any

import torch

from tests.planted.faults import plain


def get_k_and_s(*arguments: Any) -> Any:
    """Gather K and S; see `kernels.get_k_and_s`."""
    torch.set_default_dtype(torch.float64)
    return plain.get_k_and_s(*arguments)
