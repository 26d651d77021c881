"""Wrappers that hand their arguments on by keyword."""

from typing import Any

import torch

import kernels
from tests.calls.inputs import Arguments


def get_k_and_s(*arguments: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather K and S; see `kernels.get_k_and_s`."""
    return kernels.get_k_and_s(**Arguments(*arguments)._asdict())


def get_k(*arguments: Any) -> torch.Tensor:
    """Gather K alone."""
    return kernels.get_k(**Arguments(*arguments)._asdict())


def get_s(*arguments: Any) -> torch.Tensor:
    """Gather S alone."""
    return kernels.get_s(**Arguments(*arguments)._asdict())
