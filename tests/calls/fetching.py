"""What the host looks at of a device's memory, brought over together: each look by itself would wait for the device."""

from collections.abc import Callable

import numpy as np
import torch

HOST_BYTES = 1 << 20
"""Up to so many bytes are made and compared on the host: that takes no longer than to wait for a GPU once."""


def home_of(size: int, device: torch.device) -> torch.device:
    """Return where so many bytes of a device's memory are made and compared."""
    return torch.device("cpu") if size <= HOST_BYTES else device


def is_on_host(tensor: torch.Tensor) -> bool:
    """Whether a tensor can be looked at without waiting for a device."""
    return tensor.device.type == "cpu"


def same(held: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether two tensors of one shape and one device hold the same; of a GPU's, it is waited for."""
    if is_on_host(held):
        return np.array_equal(held.detach().numpy(), right.numpy())  # several times as fast as torch for bytes
    return torch.equal(held, right)


class Fetch:
    """Tensors that the host wants to see. The first that is taken brings all of them, as they are then.

    What lies on the host is no copy.
    """

    def __init__(self) -> None:
        self._wanted: list[torch.Tensor] = []
        self._brought: tuple[torch.Tensor, ...] | None = None

    def of(self, tensor: torch.Tensor) -> Callable[[], torch.Tensor]:
        """Ask for a tensor of bytes or truth values, and return what takes it.

        Raises:
            RuntimeError: what was asked for has been brought already.
        """
        if is_on_host(tensor):
            return lambda: tensor
        if self._brought is not None:
            raise RuntimeError("fetch: expected all tensors to be asked for before the first is taken")
        place, shape, dtype = len(self._wanted), tensor.shape, tensor.dtype
        self._wanted.append(tensor.detach().reshape(-1).view(torch.uint8))
        return lambda: self._take(place).view(dtype).view(shape)

    def differs(self, held: torch.Tensor, right: torch.Tensor) -> Callable[[], bool]:
        """Ask whether a tensor holds anything else than it should, and return what tells.

        Args:
            held: of any device.
            right: of the same shape, on the host or on the same device.
        """
        if not is_on_host(right):
            is_other = self.of((held != right).any())
            return lambda: bool(is_other())
        taken = self.of(held)
        return lambda: not same(taken(), right)

    def _take(self, place: int) -> torch.Tensor:
        if self._brought is None:
            self._brought = _brought(self._wanted)
            self._wanted.clear()
        return self._brought[place]


def _brought(wanted: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    return torch.cat(wanted).cpu().split([tensor.numel() for tensor in wanted])
