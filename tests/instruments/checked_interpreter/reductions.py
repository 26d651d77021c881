"""`tl.reduce` and `tl.associative_scan` with marks, and with sums checked for a wrap."""

from collections.abc import Callable
from typing import Any

import numpy as np
import triton.language as tl

from tests.instruments.triton_seams import ReduceOps, ScanOps, sum_combine

from .builder import CheckedBuilder
from .handles import INTEGER_RANGES, CheckedHandle, numpy_dtype


def make_reduce(builder: CheckedBuilder) -> Callable[..., Any]:
    """A stand-in for `tl.reduce`."""

    def reduce(input: Any, axis: Any, combine_fn: Any, keep_dims: bool = False, **_: Any) -> Any:
        if combine_fn is sum_combine and not isinstance(input, tuple) and input.dtype.is_int():
            result = _integer_sum(builder, input, axis, bool(keep_dims))
        else:
            result = ReduceOps(axis, combine_fn, keep_dims).apply(input)
        inputs = input if isinstance(input, tuple) else (input,)
        results = result if isinstance(result, tuple) else (result,)
        taints = [tensor.handle.taint for tensor in inputs if tensor.handle.taint is not None]
        if taints and depends_on_all(combine_fn):
            marks = np.maximum.reduce([np.max(taint, axis=axis, keepdims=bool(keep_dims)) for taint in taints])
            for tensor in results:
                known = 0 if tensor.handle.taint is None else tensor.handle.taint
                tensor.handle.taint = np.maximum(np.asarray(marks).reshape(tensor.handle.data.shape), known)
        return result

    return reduce


def make_scan(builder: CheckedBuilder) -> Callable[..., Any]:
    """A stand-in for `tl.associative_scan`."""

    def scan(input: Any, axis: Any, combine_fn: Any, reverse: bool = False, **_: Any) -> Any:
        result = ScanOps(axis, combine_fn, reverse).apply(input)
        inputs = input if isinstance(input, tuple) else (input,)
        results = result if isinstance(result, tuple) else (result,)
        taint = inputs[0].handle.taint
        if taint is not None and depends_on_all(combine_fn):
            results[0].handle.taint = _accumulate(np.maximum.accumulate, taint, axis, reverse)
        if combine_fn is sum_combine and inputs[0].dtype.is_int():
            exact = _accumulate(np.cumsum, inputs[0].handle.data.astype(np.int64), axis, reverse)
            _mark_sum_wraps(builder, results[0].handle, exact)
        return result

    return scan


def depends_on_all(combine_fn: Any) -> bool:
    """Whether every lane counts for the result. A combine function of the kernel's own may drop lanes."""
    return (
        getattr(combine_fn, "__module__", None) == tl.standard.__name__
        or getattr(getattr(combine_fn, "fn", None), "__module__", None) == tl.standard.__name__
    )


def _accumulate(run: Callable[..., np.ndarray], data: np.ndarray, axis: int, reverse: bool) -> np.ndarray:
    if not reverse:
        return run(data, axis=axis)
    return np.flip(run(np.flip(data, axis), axis=axis), axis)


def _integer_sum(builder: CheckedBuilder, input: Any, axis: Any, keep_dims: bool) -> Any:
    """A sum in 64 bits, cut to the tensor's type; the interpreter itself fails on a scalar that overflows."""
    dtype = input.dtype
    exact = np.asarray(input.handle.data.astype(np.int64).sum(axis=axis, keepdims=keep_dims))
    type_ = tl.block_type(dtype, list(exact.shape)) if exact.shape else dtype
    handle = CheckedHandle(np.atleast_1d(exact).astype(numpy_dtype(dtype)), dtype)
    if input.handle.taint is None:
        _mark_sum_wraps(builder, handle, exact)
    return tl.tensor(handle, type_)


def _mark_sum_wraps(builder: CheckedBuilder, handle: CheckedHandle, exact: np.ndarray) -> None:
    dtype = handle.dtype
    if dtype in INTEGER_RANGES and dtype.primitive_bitwidth < 64:
        exact = exact.reshape(handle.data.shape)
        builder.mark_wraps(
            handle,
            exact != handle.data,
            lambda lane: f"a sum of {int(exact.reshape(-1)[lane])} was computed in {dtype}",
        )
