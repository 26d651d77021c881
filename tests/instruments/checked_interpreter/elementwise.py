"""Lane-by-lane operations, shapes and casts of the checked builder: they carry marks, origins and bounds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import triton.language as tl

from tests.instruments.triton_seams import signed_dtype

from .handles import CheckedHandle, limits, merged_taint, numpy_dtype
from .integers import IntegerOps
from .regions import Region

_COMPARISONS = frozenset({np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal})


class ElementwiseOps(IntegerOps):
    """Operations that compute a lane from the same lane of their operands, or move lanes."""

    def binary_op(self, lhs: Any, rhs: Any, op: Callable[..., np.ndarray]) -> CheckedHandle:
        """Any operation on two operands. Comparisons give int1."""
        if op in _COMPARISONS:
            result = CheckedHandle(op(lhs.data, rhs.data), tl.int1)
        else:
            dtype = lhs.dtype.scalar
            np_dtype = numpy_dtype(dtype)
            if lhs.data.dtype == np.bool_ and rhs.data.dtype == np.bool_:
                # int1 is an integer of one bit, which numpy's booleans are not.
                data = (op(lhs.data.astype(np.int8), rhs.data.astype(np.int8)) & 1).astype(np.bool_)
            else:
                data = op(lhs.data, rhs.data)
            if data.dtype != np_dtype:
                data = data.astype(np_dtype)
            result = CheckedHandle(data, dtype)
        if lhs.taint is not None or rhs.taint is not None:
            result.taint = merged_taint(result.data.shape, lhs, rhs)
        if op in (np.minimum, np.maximum):
            left, right = limits(lhs), limits(rhs)
            if left is not None and right is not None:
                pick = min if op is np.minimum else max
                result.bounds = (pick(left[0], right[0]), pick(left[1], right[1]))
        return result

    def unary_op(self, arg: Any, op: Callable[..., np.ndarray]) -> CheckedHandle:
        """Any operation on one operand."""
        return _marked(CheckedHandle(op(arg.data), arg.dtype.scalar), arg.taint)

    def ternary_op(self, lhs: Any, rhs: Any, other: Any, op: Callable[..., np.ndarray]) -> CheckedHandle:
        """Any operation on three operands."""
        result = super().ternary_op(lhs, rhs, other, op)
        return _marked(result, merged_taint(result.data.shape, lhs, rhs, other))

    def create_select(self, cond: Any, lhs: Any, rhs: Any) -> CheckedHandle:
        """A lane takes the marks of the side it takes, and those of the condition."""
        dtype = rhs.dtype.scalar
        data = np.where(cond.data, lhs.data, rhs.data)
        np_dtype = numpy_dtype(dtype)
        result = CheckedHandle(data if data.dtype == np_dtype else data.astype(np_dtype), dtype)
        if lhs.taint is not None or rhs.taint is not None:
            left = 0 if lhs.taint is None else lhs.taint
            right = 0 if rhs.taint is None else rhs.taint
            result.taint = np.broadcast_to(np.where(cond.data, left, right).astype(np.int32), data.shape)
        if cond.taint is not None:
            chosen = np.broadcast_to(cond.taint, data.shape)
            result.taint = chosen if result.taint is None else np.maximum(result.taint, chosen)
        if lhs.origin is not None or rhs.origin is not None:
            result.origin = _selected_origin(cond.data, lhs.origin, rhs.origin, data.shape)
        if lhs.bounds is not None and rhs.bounds is not None:
            result.bounds = (min(lhs.bounds[0], rhs.bounds[0]), max(lhs.bounds[1], rhs.bounds[1]))
        return result

    def create_addptr(self, ptr: Any, offset: Any) -> CheckedHandle:
        """Move addresses by whole elements."""
        size = max(1, ptr.get_element_ty().primitive_bitwidth // 8)
        steps = offset.data.astype(np.uint64)
        data = ptr.data + (steps if size == 1 else np.uint64(size) * steps)
        result = CheckedHandle(data, ptr.dtype)
        origin = ptr.origin
        if isinstance(origin, np.ndarray) and origin.shape != data.shape:
            origin = np.broadcast_to(origin, data.shape)
        result.origin = origin
        if ptr.taint is not None or offset.taint is not None:
            result.taint = merged_taint(data.shape, ptr, offset)
        at, by = limits(ptr), limits(offset)
        if at is not None and by is not None:
            low, high = at[0] + size * by[0], at[1] + size * by[1]
            if low >= 0 and high < 2**64:
                result.bounds = (low, high)
        return result

    def cast_impl(self, src: Any, dst_type: Any) -> CheckedHandle:
        """Casts to and from floats."""
        return _marked(super().cast_impl(src, dst_type), src.taint)

    def create_fp_to_fp(self, src: Any, dst_type: Any, rounding_mode: Any) -> CheckedHandle:
        """Casts between floats with a rounding mode."""
        return _marked(super().create_fp_to_fp(src, dst_type, rounding_mode), src.taint)

    def create_bitcast(self, src: Any, dst_type: Any) -> CheckedHandle:
        """The same bits as another type; addresses keep their origin."""
        result = CheckedHandle(src.data.view(numpy_dtype(dst_type)), dst_type.scalar)
        result.taint, result.origin = src.taint, src.origin
        return result

    create_int_to_ptr = create_bitcast
    create_ptr_to_int = create_bitcast

    def create_ashr(self, lhs: Any, rhs: Any) -> CheckedHandle:
        """A shift to the right that keeps the sign."""
        signed = lhs.data.view(signed_dtype(lhs.data.dtype))
        result = CheckedHandle((signed >> rhs.data.astype(signed.dtype)).view(lhs.data.dtype), lhs.dtype.scalar)
        return _marked(result, merged_taint(result.data.shape, lhs, rhs))

    def create_get_program_id(self, axis: int) -> CheckedHandle:
        """This program's place on an axis of the grid."""
        return _scalar(self.grid_idx[axis])

    def create_get_num_programs(self, axis: int) -> CheckedHandle:
        """The length of an axis of the grid."""
        return _scalar(self.grid_dim[axis])

    def create_make_range(self, ret_ty: Any, start: int, stop: int) -> CheckedHandle:
        """start, start + 1, ..., stop - 1"""
        result = CheckedHandle(np.arange(start, stop, dtype=np.int32), tl.int32)
        result.bounds = (start, stop - 1)
        return result

    def create_splat(self, ret_ty: Any, arg: Any) -> CheckedHandle:
        """A block of one value."""
        shape = tuple(ret_ty.shape)
        return _moved(arg, lambda data: np.full(shape, data.reshape(-1)[0], dtype=data.dtype))

    def create_unsplat(self, arg: Any) -> CheckedHandle:
        """The one value of a block of one lane."""
        return _moved(arg, lambda data: data.reshape(-1)[:1])

    def create_broadcast(self, arg: Any, shape: Any) -> CheckedHandle:
        """Repeat along dimensions of length 1."""
        return _moved(arg, lambda data: np.broadcast_to(data, tuple(shape)))

    def create_expand_dims(self, arg: Any, axis: int) -> CheckedHandle:
        """A new dimension of length 1."""
        return _moved(arg, lambda data: np.expand_dims(data, axis))

    def create_reshape(self, arg: Any, shape: Any, allow_reorder: bool) -> CheckedHandle:
        """The same lanes in another shape."""
        return _moved(arg, lambda data: data.reshape(tuple(shape)))

    def create_trans(self, arg: Any, perm: Any) -> CheckedHandle:
        """The dimensions in another order."""
        return _moved(arg, lambda data: np.transpose(data, perm))

    def create_split(self, val: Any) -> tuple[CheckedHandle, CheckedHandle]:
        """The two halves of the last dimension."""
        return _moved(val, lambda data: data[..., 0]), _moved(val, lambda data: data[..., 1])

    def create_cat(self, lhs: Any, rhs: Any) -> CheckedHandle:
        """One block after the other."""
        return _joined(lhs, rhs, np.concatenate)

    def create_join(self, lhs: Any, rhs: Any) -> CheckedHandle:
        """Two blocks along a new last dimension."""
        return _joined(lhs, rhs, lambda both: np.stack(both, axis=-1))

    def create_gather(self, src: Any, indices: Any, axis: int) -> CheckedHandle:
        """Lanes picked by index along an axis."""
        result = _moved(src, lambda data: np.take_along_axis(data, indices.data, axis=axis))
        if indices.taint is not None:
            result.taint = merged_taint(result.data.shape, result, indices)
        return result


def transposed(handle: CheckedHandle) -> CheckedHandle:
    """All dimensions in reverse order."""
    return _moved(handle, np.transpose)


def _marked(result: Any, taint: np.ndarray | None) -> CheckedHandle:
    result.taint = taint
    return result


def _scalar(value: int) -> CheckedHandle:
    result = CheckedHandle(np.array([value], dtype=np.int32), tl.int32)
    result.bounds = (value, value)
    return result


def _moved(arg: Any, move: Callable[[np.ndarray], np.ndarray]) -> CheckedHandle:
    """Lanes moved or repeated, with all that is known of them."""
    dtype = arg.dtype.scalar
    result = CheckedHandle(move(arg.data), dtype)
    result.bounds = arg.bounds
    if result.bounds is None and arg.data.size == 1:
        result.bounds = limits(arg)
    if arg.taint is not None:
        result.taint = move(arg.taint)
    origin = arg.origin
    result.origin = move(origin) if isinstance(origin, np.ndarray) else origin
    return result


def _joined(lhs: Any, rhs: Any, join: Callable[[list[np.ndarray]], np.ndarray]) -> CheckedHandle:
    result = CheckedHandle(join([lhs.data, rhs.data]), lhs.dtype.scalar)
    if lhs.taint is not None or rhs.taint is not None:
        marks = [np.zeros(h.data.shape, np.int32) if h.taint is None else h.taint for h in (lhs, rhs)]
        result.taint = join(marks)
    if lhs.origin is not None or rhs.origin is not None:
        result.origin = join([_origin_numbers(h.origin, h.data.shape) for h in (lhs, rhs)])
    return result


def _origin_numbers(origin: "Region | np.ndarray | None", shape: tuple[int, ...]) -> np.ndarray:
    """The region number of every lane, -1 where it is not known."""
    if isinstance(origin, np.ndarray):
        return np.broadcast_to(origin, shape)
    return np.full(shape, -1 if origin is None else origin.number, dtype=np.int64)


def _selected_origin(cond: np.ndarray, left: Any, right: Any, shape: tuple[int, ...]) -> "Region | np.ndarray":
    if isinstance(left, Region) and left is right:
        return left
    return np.where(cond, _origin_numbers(left, shape), _origin_numbers(right, shape))
