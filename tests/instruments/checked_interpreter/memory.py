"""Loads, stores and atomics of the checked builder."""

from typing import Any

import numpy as np
import triton.language as tl

from tests.instruments.triton_seams import InterpreterBuilder

from . import kinds
from .access import Granted, report_undefined, rule
from .handles import CheckedHandle, mark, numpy_dtype
from .races import dense_span
from .source import kernel_line
from .state import LaunchState
from .taint import REPORTED


class MemoryOps(InterpreterBuilder):
    """Accesses through plain pointers. `other_given` says whether the running load named `other`."""

    state: LaunchState
    other_given: bool

    def tell_other(self, is_given: bool) -> None:
        """Be told whether the next load names `other`."""
        self.other_given = is_given

    def create_load(self, ptr: CheckedHandle, *_: Any) -> CheckedHandle:
        """A load of all lanes."""
        return self.checked_load(ptr, None, None)

    def create_masked_load(self, ptrs: CheckedHandle, mask: Any, other: Any, *_: Any, **__: Any) -> CheckedHandle:
        """A load of the lanes in `mask`."""
        if other is None and self.other_given:
            # Triton's semantics ask for the truth of `other`, and so lose a scalar zero.
            dtype = ptrs.get_element_ty()
            other = CheckedHandle(np.zeros(1, numpy_dtype(dtype)), dtype)
        return self.checked_load(ptrs, self._active(mask, ptrs), other)

    def create_store(self, ptr: CheckedHandle, val: CheckedHandle, *_: Any) -> None:
        """A store of all lanes."""
        self.checked_store(ptr, val, None)

    def create_masked_store(self, ptrs: CheckedHandle, value: CheckedHandle, mask: Any, *_: Any) -> None:
        """A store of the lanes in `mask`."""
        self.checked_store(ptrs, value, self._active(mask, ptrs))

    def create_atomic_load(self, ptr: CheckedHandle, mask: Any, *_: Any) -> CheckedHandle:
        """An atomic load, which conflicts with no other atomic."""
        return self.checked_load(ptr, self._active(mask, ptr), None, operation="atomic")

    def create_atomic_store(self, ptr: CheckedHandle, val: CheckedHandle, mask: Any, *_: Any) -> None:
        """An atomic store, which conflicts with no other atomic."""
        self.checked_store(ptr, val, self._active(mask, ptr), operation="atomic")

    def create_atomic_rmw(self, rmwOp: Any, ptr: Any, val: Any, mask: Any, sem: Any, scope: Any) -> CheckedHandle:
        """A read-modify-write, carried out for the lanes that may."""

        def run(lanes: np.ndarray) -> np.ndarray:
            chosen = CheckedHandle(np.ones(int(lanes.sum()), dtype=bool), tl.int1)
            result = super(MemoryOps, self).create_atomic_rmw(
                rmwOp, _lanes_of(ptr, lanes), _lanes_of(val, lanes), chosen, sem, scope
            )
            return result.data

        return self._atomic(ptr, val, self._active(mask, ptr), run)

    def create_atomic_cas(self, ptr: Any, cmp: Any, val: Any, sem: Any, scope: Any) -> CheckedHandle:
        """A compare-and-swap, carried out for the lanes that may."""

        def run(lanes: np.ndarray) -> np.ndarray:
            result = super(MemoryOps, self).create_atomic_cas(
                _lanes_of(ptr, lanes), _lanes_of(cmp, lanes), _lanes_of(val, lanes), sem, scope
            )
            return result.data

        return self._atomic(ptr, val, None, run)

    def checked_load(
        self, pointers: CheckedHandle, active: np.ndarray | None, other: Any, operation: str = "read"
    ) -> CheckedHandle:
        """Load the active lanes that may be read; inactive ones give `other`, refused ones a poison value."""
        dtype = pointers.get_element_ty()
        np_dtype = numpy_dtype(dtype)
        shape = pointers.data.shape
        size = np_dtype.itemsize
        if active is not None and not active.any():
            return self._inactive(shape, np_dtype, dtype, other, active)
        ruling = rule(self.state, pointers, active, size, "read")
        if ruling.refused is None and active is None and len(ruling.granted) == 1:
            data = self._read(pointers, ruling.granted[0], np_dtype, operation)
            return CheckedHandle(data.reshape(shape), dtype)
        result = self._inactive(shape, np_dtype, dtype, other, active)
        for granted in ruling.granted:
            lanes = Ellipsis if granted.lanes is None else granted.lanes
            result.data[lanes] = self._read(pointers, granted, np_dtype, operation)
        if ruling.refused is not None:
            result.data.view(np.uint8).reshape(*shape, size)[ruling.refused] = kinds.REFUSED_BYTE
            mark(result, ruling.refused, REPORTED)
        return result

    def _inactive(
        self, shape: tuple[int, ...], np_dtype: np.dtype, dtype: tl.dtype, other: Any, active: np.ndarray | None
    ) -> CheckedHandle:
        """A load's result before its active lanes (None: all) are read: `other`, or undefined values."""
        if other is not None:
            data = np.empty(shape, np_dtype)
            data[...] = other.data
            result = CheckedHandle(data, dtype)
            if other.taint is not None:
                taint = np.broadcast_to(other.taint, shape)
                result.taint = None if active is None else np.where(active, 0, taint)
            return result
        result = CheckedHandle(self.state.garbage.lanes(shape, np_dtype), dtype)
        if active is not None:
            detail = "a masked lane of a load without `other` is undefined"
            mark(result, ~active, self.state.taints.number(kinds.UNDEFINED, kernel_line(), detail))
        return result

    def _read(self, pointers: CheckedHandle, granted: Granted, np_dtype: np.dtype, operation: str) -> np.ndarray:
        region, lanes = granted
        size = np_dtype.itemsize
        addresses = pointers.data if lanes is None else pointers.data[lanes]
        begin, words = region.words(size)
        index = (addresses - np.uint64(begin)).view(np.int64)
        if size > 1:
            index //= size
        region.bytes_read += index.size * size
        if not region.read_only:
            self.state.touch(region, operation, addresses, size, told="read")
        return words.take(index).view(np_dtype)

    def checked_store(
        self, pointers: CheckedHandle, value: CheckedHandle, active: np.ndarray | None, operation: str = "write"
    ) -> None:
        """Store the active lanes that may be written; the others are dropped."""
        if active is not None and not active.any():
            return
        np_dtype = numpy_dtype(pointers.get_element_ty())
        size = np_dtype.itemsize
        shape = pointers.data.shape
        for region, lanes in rule(self.state, pointers, active, size, operation).granted:
            addresses = pointers.data if lanes is None else pointers.data[lanes]
            data = np.broadcast_to(value.data, shape)
            data = data if lanes is None else data[lanes]
            if value.taint is not None:
                report_undefined(self.state, value, lanes, f"bytes stored to {region.name}", region)
            self.state.touch(region, operation, addresses, size)
            begin, words = region.words(size)
            region.bytes_written += addresses.size * size
            data = np.ascontiguousarray(data, dtype=np_dtype).view(words.dtype)
            span = dense_span(addresses, size)
            if span is not None:
                words[(span[0] - begin) // size : (span[1] - begin) // size] = data.reshape(-1)
            else:
                words[(addresses - np.uint64(begin)).view(np.int64) // size] = data

    def _atomic(self, ptr: CheckedHandle, val: CheckedHandle, active: np.ndarray | None, run: Any) -> CheckedHandle:
        shape = ptr.data.shape
        dtype = val.dtype.scalar
        np_dtype = numpy_dtype(dtype)
        result = CheckedHandle(np.full(shape, 0, np_dtype), dtype)
        if active is not None:
            result = self._inactive(shape, np_dtype, dtype, None, active)
            if not active.any():
                return result
        ruling = rule(self.state, ptr, active, np_dtype.itemsize, "atomic")
        for region, lanes in ruling.granted:
            chosen = np.ones(shape, dtype=bool) if lanes is None else lanes
            addresses = ptr.data[chosen]
            report_undefined(self.state, val, chosen, f"an atomic operation on {region.name}", region)
            self.state.touch(region, "atomic", addresses, np_dtype.itemsize)
            region.bytes_read += addresses.size * np_dtype.itemsize
            region.bytes_written += addresses.size * np_dtype.itemsize
            result.data[chosen] = run(chosen)
        if ruling.refused is not None:
            mark(result, ruling.refused, REPORTED)
        return result

    def _active(self, mask: CheckedHandle, pointers: CheckedHandle) -> np.ndarray | None:
        """The active lanes as booleans of the pointers' shape, or None when all are."""
        if mask.taint is not None:
            report_undefined(self.state, mask, None, "the mask of an access")
        data = mask.data
        if data.dtype != np.bool_:
            data = data != 0
        if data.all():
            return None
        return data if data.shape == pointers.data.shape else np.broadcast_to(data, pointers.data.shape)


def _lanes_of(handle: CheckedHandle, lanes: np.ndarray) -> CheckedHandle:
    data = np.broadcast_to(handle.data, lanes.shape)[lanes]
    return CheckedHandle(np.ascontiguousarray(data), handle.dtype)
