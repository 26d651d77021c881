"""Gathers in inference mode, as code of servers does."""

from typing import Any

import torch

from tests.planted.odd import base

_get_k_and_s, _get_k, _get_s = base.functions_of(base.launch_tiles)


@torch.inference_mode()
def get_k_and_s(*arguments: Any) -> base.Parts:
    """Gather K and S; see `kernels.get_k_and_s`."""
    return _get_k_and_s(*arguments)


@torch.inference_mode()
def get_k(*arguments: Any) -> torch.Tensor:
    """Gather K alone."""
    return _get_k(*arguments)


@torch.inference_mode()
def get_s(*arguments: Any) -> torch.Tensor:
    """Gather S alone."""
    return _get_s(*arguments)
