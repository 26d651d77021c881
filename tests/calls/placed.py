"""An argument in lent memory, and beside it the bytes that this memory has to hold."""

from collections.abc import Callable

import numpy as np
import torch

from tests.calls.fetching import Fetch, home_of
from tests.calls.memory import Memory
from tests.cases.plan import FILL_WHOLE_POOL_BELOW_BYTES

FILLER = 0x81
"""The byte that lies between, before and after the elements of an argument; as a page or a length, as wrong as any."""


class Placed:
    """A tensor of a given layout, with nothing in its memory past its last element.

    Unless it is too large, it has a twin that is laid out alike, from which it is written and with which it is
    compared: on the host if it is small.

    Args:
        memory: lends the bytes.
        name: the argument's.
        device: where it lies.
        dtype: of its elements.
        shape, strides: in elements.
        offset: elements in front of its first.
    """

    def __init__(
        self,
        memory: Memory,
        name: str,
        device: torch.device,
        dtype: torch.dtype,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        offset: int,
    ) -> None:
        def laid_out(flat: torch.Tensor) -> torch.Tensor:
            return flat.view(dtype)[offset:].as_strided(shape, strides)

        last = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        size = (offset + last + 1 if all(shape) else offset) * dtype.itemsize
        self._flat = memory.allocate(name, size, device)
        self._twin: torch.Tensor | None = None
        self._values = np.zeros(shape[:1] + (0,) * (len(shape) - 1))
        self.tensor = self.written = laid_out(self._flat)
        """`written` is where values are written to, to be sent from there."""
        if size < FILL_WHOLE_POOL_BELOW_BYTES:
            self._twin = torch.full((size,), FILLER, dtype=torch.uint8, device=home_of(size, self._flat.device))
            self.written = laid_out(self._twin)
            self.send()

    @property
    def is_whole(self) -> bool:
        """Whether there is a twin, so that all of the memory is written and compared."""
        return self._twin is not None

    def write(self, values: np.ndarray) -> None:
        """Write values into the first columns, and send them."""
        self._values = values
        place, values = _first_columns(self.written.data, values)
        place.copy_(torch.from_numpy(values))
        self.send()

    def send(self) -> None:
        """Make the memory hold what the twin holds, without waiting for the device."""
        if self._twin is not None:
            # Through `data`, so that the version counter does not move. A copy from memory that is not pinned has read
            # it when it returns.
            self._flat.data.copy_(self._twin, non_blocking=True)

    def staged(self) -> Callable[[], None]:
        """Bring the twin to the device, and return what makes the memory hold it, in the order of another stream."""
        assert self._twin is not None
        ready = self._twin.to(self._flat.device, non_blocking=True)

        def write() -> None:
            self._flat.data.copy_(ready)

        return write

    def differs(self, fetch: Fetch) -> Callable[[], bool]:
        """Ask whether the memory holds something else than its twin, or than the values without one."""
        if self._twin is not None:
            return fetch.differs(self._flat, self._twin)
        place, values = _first_columns(self.tensor, self._values)
        return fetch.differs(place, torch.from_numpy(values).to(place.dtype).to(place.device))


def _first_columns(place: torch.Tensor, values: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
    """Return where values lie, and the values; of equal rows that lie in one place, one."""
    if place.dim() > 1:
        place = place[:, : values.shape[1]]
    if len(place) and place.stride(0) == 0:
        return place[:1], values[:1]
    return place, values
