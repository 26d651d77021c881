"""Tensors that a launcher takes for real ones on a GPU, of symbolic sizes and strides."""

import math
from collections.abc import Sequence
from typing import Any

import torch
import z3

from tests.instruments.proof.module import Unmodelled
from tests.instruments.proof.symbols import TRACE, SymbolicInt, pinned

ADDRESS = 1 << 20
"""Where tensors pretend to lie."""
ADDRESS_OF = "address_of_"
"""How names of addresses begin."""
ALIGNED = 16
"""Bytes of which it is known how an address lies to their multiples; the rest of it is anything."""


class SymbolicTensor:
    """A tensor of symbolic sizes, on a GPU that is not there."""

    def __init__(
        self,
        name: str,
        shape: Sequence[int],
        strides: Sequence[int],
        dtype: torch.dtype,
        misaligned: int = 0,
    ) -> None:
        self.name = name
        self.shape = tuple(shape)
        self._strides = tuple(strides)
        self.dtype = dtype
        self._misaligned = misaligned
        self.device = torch.device("cuda", 0)
        self.layout = torch.strided
        self.ndim = len(self.shape)
        self.is_cuda = True
        self.requires_grad = False

    __class__ = property(lambda self: torch.Tensor)

    def __getattr__(self, name: str) -> Any:
        """Refuse what has no model."""
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unmodelled(f"torch.Tensor.{name} of {self.name} on the host")

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Refuse operations of torch."""
        raise Unmodelled(f"torch's {getattr(function, '__name__', function)} on the host")

    def __len__(self) -> int:
        """Return the first size, which Python makes a plain number."""
        return pinned(self.shape[0])

    def dim(self) -> int:
        """Return the number of dimensions."""
        return self.ndim

    def size(self, axis: int | None = None) -> Any:
        """Return the sizes, or one."""
        return self.shape if axis is None else self.shape[axis]

    def stride(self, axis: int | None = None) -> Any:
        """Return the strides, or one."""
        return self._strides if axis is None else self._strides[axis]

    def numel(self) -> int:
        """Return the number of elements."""
        return math.prod(self.shape)

    def element_size(self) -> int:
        """Return the bytes of an element."""
        return self.dtype.itemsize

    def get_device(self) -> int:
        """Return the GPU's number."""
        return 0

    def data_ptr(self) -> int:
        """Return an address, of which nothing but its alignment is known."""
        anywhere = z3.Int(ADDRESS_OF + self.name)
        return SymbolicInt(ADDRESS + self._misaligned, ALIGNED * anywhere + self._misaligned)

    def storage_offset(self) -> int:
        """Return where in its memory the tensor begins."""
        return self._misaligned // self.dtype.itemsize

    def is_contiguous(self) -> bool:
        """Whether elements lie side by side."""
        expected: int = 1
        for size, stride in zip(reversed(self.shape), reversed(self._strides), strict=True):
            if size != 1 and stride != expected:
                return False
            expected = expected * size
        return True

    def contiguous(self) -> "SymbolicTensor":
        """Return it, if elements lie side by side."""
        if self.is_contiguous():
            return self
        raise Unmodelled(f"a contiguous copy of {self.name} on the host")

    def view(self, dtype: Any, *more: Any) -> "SymbolicTensor":
        """Return the same memory as elements of another dtype."""
        if not isinstance(dtype, torch.dtype) or more:
            raise Unmodelled(f"torch.Tensor.view of {self.name} on the host")
        if dtype.itemsize == self.dtype.itemsize:
            return SymbolicTensor(self.name, self.shape, self._strides, dtype, self._misaligned)
        if dtype.itemsize < self.dtype.itemsize or self._strides[-1] != 1:
            raise Unmodelled(f"torch.Tensor.view of {self.name} as {dtype} on the host")
        wider = dtype.itemsize // self.dtype.itemsize
        shape = (*self.shape[:-1], self.shape[-1] // wider)
        return SymbolicTensor(
            self.name, shape, (*(step // wider for step in self._strides[:-1]), 1), dtype, self._misaligned
        )

    def new_empty(self, *shape: Any, dtype: Any = None, device: Any = None) -> "SymbolicTensor":
        """Return a new result."""
        return allocated(*shape, dtype=dtype or self.dtype)


def allocated(*shape: Any, dtype: torch.dtype = torch.float32, **options: Any) -> SymbolicTensor:
    """Stand in for `torch.empty`: return a new result, side by side."""
    if options.keys() - {"device", "requires_grad", "layout", "pin_memory"}:
        raise Unmodelled(f"an allocation with {', '.join(options)} on the host")
    sizes = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    strides: list[int] = []
    reach: int = 1
    for size in reversed(sizes):
        strides.insert(0, reach)
        reach = size * reach
    results = TRACE.get().results
    results.append(SymbolicTensor(f"result_{len(results)}", sizes, strides, dtype))
    return results[-1]
