"""What a call may not change although it is none of its arguments: torch's settings, random states, memory."""

import gc
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch


class ProcessState:
    """A snapshot of the process's settings, which can be compared and put back.

    Args:
        device: whose random state and current device are looked at.
    """

    def __init__(self, device: torch.device) -> None:
        # An earlier call may have left the very state that the next one sets.
        random.random()
        torch.rand(1)
        np.random.random()
        self._held = {name: read() for name, (read, _) in _settings(device).items()}
        self._device = device

    def changed(self) -> list[str]:
        """Return a few words for each setting that is no longer as it was, and put it back."""
        told = []
        for name, (read, write) in _settings(self._device).items():
            before, now = self._held[name], read()
            if not _equal(before, now):
                write(before)
                is_short = not isinstance(before, (torch.Tensor, tuple))
                told.append(f"{name} from {before} to {now}" if is_short else name)
        return told


def _settings(device: torch.device) -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """Return how each setting is read and written, by its name."""
    settings: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
        "the default dtype": (torch.get_default_dtype, torch.set_default_dtype),
        "the default device": (torch.get_default_device, torch.set_default_device),
        "the grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
        "whether algorithms are deterministic": (
            torch.are_deterministic_algorithms_enabled,
            torch.use_deterministic_algorithms,
        ),
        "torch's random state": (torch.get_rng_state, torch.set_rng_state),
        "Python's random state": (random.getstate, random.setstate),
        "NumPy's random state": (np.random.get_state, np.random.set_state),
    }
    if device.type == "cuda":
        settings["the current device"] = torch.cuda.current_device, torch.cuda.set_device
        settings["the GPU's random state"] = (
            lambda: torch.cuda.get_rng_state(device),
            lambda state: torch.cuda.set_rng_state(state, device),
        )
    return settings


def _equal(before: Any, now: Any) -> bool:
    if isinstance(before, torch.Tensor):
        return torch.equal(before, now)
    if isinstance(before, tuple):
        return all(np.array_equal(a, b) for a, b in zip(before, now, strict=True))
    return bool(before == now)


def held_bytes(device: torch.device) -> int:
    """Return the bytes of all tensors: what torch has allocated on a GPU, or what Python reaches on the CPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return torch.cuda.memory_allocated(device)
    tensors = [held for held in gc.get_objects() if issubclass(type(held), torch.Tensor)]
    with torch._C.DisableTorchFunction():  # of classes of examined code
        # Of what torch's compiler keeps, a tensor that is only traced says that it is on the CPU; it has no memory.
        storages = [storage for t in tensors if (storage := t.untyped_storage()).device == device]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())
