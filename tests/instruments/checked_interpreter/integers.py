"""Integer arithmetic of the checked builder: finds the lanes that do not fit their type."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.instruments.triton_seams import InterpreterBuilder

from . import kinds
from .handles import INTEGER_RANGES, CheckedHandle, limits, mark, merged_taint, numpy_dtype
from .source import kernel_line
from .state import LaunchState

NumpyOp = Callable[[np.ndarray, np.ndarray], np.ndarray]
Bounds = tuple[int, int] | None
_SYMBOLS: dict[Any, str] = {np.add: "+", np.subtract: "-", np.multiply: "*", np.left_shift: "<<"}


class IntegerOps(InterpreterBuilder):
    """Operations on integers. Bounds of the operands settle most of them without a look at the lanes."""

    state: LaunchState

    def create_add(self, lhs: CheckedHandle, rhs: CheckedHandle) -> CheckedHandle:
        """lhs + rhs"""
        left, right = limits(lhs), limits(rhs)
        bounds = None if left is None or right is None else (left[0] + right[0], left[1] + right[1])
        return self._integer(lhs, rhs, np.add, bounds)

    def create_sub(self, lhs: CheckedHandle, rhs: CheckedHandle) -> CheckedHandle:
        """lhs - rhs"""
        left, right = limits(lhs), limits(rhs)
        bounds = None if left is None or right is None else (left[0] - right[1], left[1] - right[0])
        return self._integer(lhs, rhs, np.subtract, bounds)

    def create_mul(self, lhs: CheckedHandle, rhs: CheckedHandle) -> CheckedHandle:
        """lhs * rhs; a zero clears the marks of the other side."""
        left, right = limits(lhs), limits(rhs)
        bounds = None
        if left is not None and right is not None:
            corners = [a * b for a in left for b in right]
            bounds = (min(corners), max(corners))
        result = self._integer(lhs, rhs, np.multiply, bounds)
        return _absorb(result, lhs, rhs, lambda handle: handle.data == 0)

    def create_shl(self, lhs: CheckedHandle, rhs: CheckedHandle) -> CheckedHandle:
        """lhs << rhs"""
        left, right = limits(lhs), limits(rhs)
        bounds = None
        if left is not None and right is not None and right[0] >= 0 and right[1] < 64:
            corners = [a << b for a in left for b in right]
            bounds = (min(corners), max(corners))
        return self._integer(lhs, rhs, np.left_shift, bounds)

    def create_idiv(self, lhs: CheckedHandle, rhs: CheckedHandle) -> CheckedHandle:
        """lhs / rhs, rounded towards 0."""
        left, right = limits(lhs), limits(rhs)
        if left is None or right is None or left[0] < 0 or right[0] <= 0:
            return _marked(super().create_idiv(lhs, rhs), lhs, rhs)
        result = _marked(CheckedHandle(lhs.data // rhs.data, lhs.dtype.scalar), lhs, rhs)
        result.bounds = (left[0] // right[1], left[1] // right[0])
        return result

    def create_srem(self, lhs: CheckedHandle, rhs: CheckedHandle) -> CheckedHandle:
        """The remainder of `create_idiv`."""
        left, right = limits(lhs), limits(rhs)
        if left is None or right is None or left[0] < 0 or right[0] <= 0:
            return self.binary_op(lhs, rhs, np.fmod)
        result = _marked(CheckedHandle(lhs.data % rhs.data, lhs.dtype.scalar), lhs, rhs)
        result.bounds = (0, min(left[1], right[1] - 1))
        return result

    create_urem = create_srem

    def create_and(self, lhs: CheckedHandle, rhs: CheckedHandle) -> CheckedHandle:
        """lhs & rhs; a zero clears the marks of the other side."""
        return _absorb(self.binary_op(lhs, rhs, np.bitwise_and), lhs, rhs, lambda handle: handle.data == 0)

    def create_or(self, lhs: CheckedHandle, rhs: CheckedHandle) -> CheckedHandle:
        """lhs | rhs; all ones clear the marks of the other side."""
        return _absorb(self.binary_op(lhs, rhs, np.bitwise_or), lhs, rhs, _all_ones)

    def create_int_cast(self, src: CheckedHandle, dst_type: Any, is_signed: bool) -> CheckedHandle:
        """A cast between integers; a narrower type that does not hold the value is a wrap."""
        dtype = dst_type.scalar
        result = CheckedHandle(src.data.astype(numpy_dtype(dst_type)), dtype)
        result.taint, result.origin = src.taint, src.origin
        found, fits = limits(src), INTEGER_RANGES.get(dtype)
        if found is None or fits is None:
            return result
        if fits[0] <= found[0] and found[1] <= fits[1]:
            result.bounds = found
        elif dtype.primitive_bitwidth < src.dtype.scalar.primitive_bitwidth:
            self.mark_wraps(result, result.data != src.data, lambda lane: f"{_at(src, lane)} was cast to {dtype}")
        return result

    def mark_wraps(self, result: CheckedHandle, wrapped: np.ndarray, told: Callable[[int], str]) -> None:
        """Mark the wrapped lanes that carry no mark yet; `told(lane)` puts one of them in words."""
        if result.taint is not None:
            wrapped = wrapped & (result.taint == 0)
        lanes = np.flatnonzero(wrapped)
        if not lanes.size:
            return
        detail = f"{told(int(lanes[0]))}, which does not hold it"
        mark(result, wrapped, self.state.taints.number(kinds.WRAP, kernel_line(), detail))

    def _integer(self, lhs: CheckedHandle, rhs: CheckedHandle, op: NumpyOp, bounds: Bounds) -> CheckedHandle:
        dtype = lhs.dtype.scalar
        fits = INTEGER_RANGES.get(dtype)
        if fits is None or bounds is None:
            return self.binary_op(lhs, rhs, op)
        data = op(lhs.data, rhs.data)
        np_dtype = numpy_dtype(dtype)
        if data.dtype != np_dtype:
            data = data.astype(np_dtype)
        result = _marked(CheckedHandle(data, dtype), lhs, rhs)
        if fits[0] <= bounds[0] and bounds[1] <= fits[1]:
            result.bounds = bounds
        elif dtype.primitive_bitwidth < 64:
            # Products of two unsigned words need all 64 bits; everything else fits a signed word of 64.
            wide = np.uint64 if op is np.multiply and dtype.is_int_unsigned() else np.int64
            exact = op(lhs.data.astype(wide), rhs.data.astype(wide))
            symbol = _SYMBOLS[op]
            self.mark_wraps(
                result,
                exact != data,
                lambda lane: f"{_at(lhs, lane, data)} {symbol} {_at(rhs, lane, data)} was computed in {dtype}",
            )
        return result


def _marked(result: Any, *operands: CheckedHandle) -> CheckedHandle:
    for operand in operands:
        if operand.taint is not None:
            result.taint = merged_taint(result.data.shape, *operands)
        if operand.origin is not None:
            result.origin = operand.origin
    return result


def _absorb(
    result: CheckedHandle, lhs: CheckedHandle, rhs: CheckedHandle, decides: Callable[[CheckedHandle], np.ndarray]
) -> CheckedHandle:
    """Clear the marks of lanes that a clean operand decides alone."""
    taint = result.taint
    if taint is None or lhs.data.dtype.kind not in "iub":
        return result
    for operand in (lhs, rhs):
        clean = decides(operand)
        if operand.taint is not None:
            clean = clean & (operand.taint == 0)
        taint = np.where(clean, 0, taint)
    result.taint = taint
    return result


def _all_ones(handle: CheckedHandle) -> np.ndarray:
    if handle.data.dtype == np.bool_:
        return handle.data
    return ~handle.data == 0


def _at(handle: CheckedHandle, lane: int, like: np.ndarray | None = None) -> int:
    data = handle.data if like is None else np.broadcast_to(handle.data, like.shape)
    return int(data.reshape(-1)[lane])
