"""`tl.multiple_of`, `tl.max_contiguous` and `tl.max_constancy`: lanes for which they lie are marked."""

from collections.abc import Callable
from typing import Any

import numpy as np
import triton.language as tl

from . import kinds
from .builder import CheckedBuilder
from .handles import CheckedHandle, mark
from .source import kernel_line


def make_hint(builder: CheckedBuilder, name: str) -> Callable[..., Any]:
    """A stand-in for the hint `name`; it gives back a marked copy of its argument."""
    wrong_lanes = _WRONG_LANES[name]

    def hint(input: Any, values: Any) -> Any:
        if not isinstance(input, tl.tensor):
            return input
        listed = list(values) if isinstance(values, list | tuple | tl.tuple) else [values]
        numbers = [int(getattr(value, "value", value)) for value in listed]
        data = input.handle.data
        if len(numbers) != max(1, len(input.shape)):
            raise ValueError(f"{name}: expected {max(1, len(input.shape))} values, got {len(numbers)}")
        if data.dtype.kind not in "iu":
            return input
        # Contiguous addresses are an element apart.
        step = max(1, input.handle.get_element_ty().primitive_bitwidth // 8) if input.dtype.is_ptr() else 1
        wrong = np.zeros(data.shape, dtype=bool)
        for axis, number in enumerate(numbers):
            if number > 1 and data.ndim == 1:
                wrong |= wrong_lanes(data, number, step)
            elif number > 1:
                wrong |= np.moveaxis(wrong_lanes(np.moveaxis(data, axis, -1), number, step), -1, axis)
        if not wrong.any():
            return input
        return _marked(builder, input, wrong, f"tl.{name} of {numbers} is not true of the value")

    return hint


def _marked(builder: CheckedBuilder, input: Any, wrong: np.ndarray, detail: str) -> Any:
    known = input.handle
    handle = CheckedHandle(known.data, known.dtype)
    handle.taint, handle.origin, handle.bounds = known.taint, known.origin, known.bounds
    mark(handle, wrong, builder.state.taints.number(kinds.HINT, kernel_line(), detail))
    return tl.tensor(handle, input.type)


def _not_multiple(data: np.ndarray, number: int, step: int) -> np.ndarray:
    # The compiler takes this hint for the first lane of each contiguous run, as in the common
    # max_contiguous(multiple_of(start + arange, BLOCK), BLOCK), so the lanes inside a run are free.
    if data.size == 1:
        return data % number != 0
    starts = np.ones(data.shape, dtype=bool)
    starts[..., 1:] = data[..., 1:] != data[..., :-1] + data.dtype.type(step)
    return starts & (data % number != 0)


def _not_contiguous(data: np.ndarray, number: int, step: int) -> np.ndarray:
    lanes = np.arange(data.shape[-1])
    return data != data[..., lanes // number * number] + (lanes % number * step).astype(data.dtype)


def _not_constant(data: np.ndarray, number: int, step: int) -> np.ndarray:
    return _not_contiguous(data, number, 0)


_WRONG_LANES = {"multiple_of": _not_multiple, "max_contiguous": _not_contiguous, "max_constancy": _not_constant}
