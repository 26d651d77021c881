"""The interpreter's values, with what the checker knows of them."""

from typing import Any

import numpy as np
import triton.language as tl

from tests.instruments.triton_seams import TensorHandle, numpy_dtype_of

from .regions import Region

_ADDRESS = np.dtype(np.uint64)
INTEGER_RANGES: dict[tl.dtype, tuple[int, int]] = {
    **{getattr(tl, f"int{w}"): (-(2 ** (w - 1)), 2 ** (w - 1) - 1) for w in (8, 16, 32, 64)},
    **{getattr(tl, f"uint{w}"): (0, 2**w - 1) for w in (8, 16, 32, 64)},
}


def numpy_dtype(dtype: tl.dtype) -> np.dtype:
    """The numpy type of the lanes of `dtype`. The interpreter's own function builds a table at each call."""
    known: np.dtype | None = vars(dtype).get("_numpy_dtype")
    if known is None:
        known = _ADDRESS if isinstance(dtype.scalar, tl.pointer_type) else numpy_dtype_of(dtype.scalar)
        dtype._numpy_dtype = known
    return known


class CheckedHandle(TensorHandle):
    """A `TensorHandle` with marks; everything is optional, and absent in the common case.

    `taint`: marks of the lanes, an int32 array of `data`'s shape, or None when all are clean.
    `origin`: for addresses, the region they were derived from, or an array of region numbers, or None.
    `bounds`: two Python ints that all lanes lie between, or None when nobody needed to know yet.
    """

    taint: np.ndarray | None = None
    origin: "Region | np.ndarray | None" = None
    bounds: tuple[int, int] | None = None
    is_constant = False
    """Whether it is one value for all programs."""

    # The dataclass's own __init__ validates itemsizes at a cost that shows on small kernels.
    def __init__(self, data: np.ndarray, dtype: tl.dtype, attr: dict[str, Any] | None = None) -> None:
        self.data = data
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"CheckedHandle({self.data!r}, {self.dtype})"

    def clone(self) -> "CheckedHandle":
        """A copy whose `data` may be changed in place."""
        copy = CheckedHandle(self.data.copy(), self.dtype)
        copy.taint, copy.origin = self.taint, self.origin
        return copy

    def set_attr(self, key: str, value: Any) -> None:
        """Hints are checked where they are given, so there is nothing to keep."""


def limits(handle: CheckedHandle) -> tuple[int, int] | None:
    """Bounds of the lanes of an integer or address handle; None for other types."""
    known = handle.bounds
    if known is None:
        data = handle.data
        if data.dtype.kind not in "iu" or not data.size:
            return None
        if data.size == 1:
            value = data.item()
            known = (value, value)
        else:
            known = (int(data.min()), int(data.max()))
        handle.bounds = known
    return known


def merged_taint(shape: tuple[int, ...], *handles: CheckedHandle) -> np.ndarray | None:
    """The marks of a value computed lane by lane from `handles`."""
    merged: np.ndarray | None = None
    for handle in handles:
        taint = handle.taint
        if taint is not None:
            merged = taint if merged is None else np.maximum(merged, taint)
    if merged is not None and merged.shape != shape:
        merged = np.broadcast_to(merged, shape)
    return merged


def mark(handle: CheckedHandle, lanes: np.ndarray, number: int) -> None:
    """Give lanes a mark; where they have one, the larger number stays."""
    marks = np.where(lanes, np.int32(number), np.int32(0))
    handle.taint = marks if handle.taint is None else np.maximum(handle.taint, marks)
