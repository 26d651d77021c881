"""Block pointers and tensor descriptors of the checked builder, turned into checked plain accesses."""

from typing import Any

import numpy as np

from tests.instruments.triton_seams import PADDING_NAN, descriptor_handle, round_to_tf32

from . import kinds
from .handles import CheckedHandle, merged_taint, numpy_dtype
from .memory import MemoryOps
from .regions import Region
from .source import kernel_line

_TMA_ALIGNMENT = 16


class BlockOps(MemoryOps):
    """Accesses to rectangles of a tensor."""

    def create_tensor_pointer_load(self, ptr: Any, boundary_check: Any, padding_option: Any, *_: Any) -> CheckedHandle:
        """A load through a block pointer; without a padding option, what is out of bounds is undefined."""
        pointers, mask = _addresses(ptr, ptr.offsets, boundary_check)
        return self.checked_load(pointers, mask, _padding(pointers, padding_option))

    def create_tensor_pointer_store(self, ptr: Any, value: CheckedHandle, boundary_check: Any, *_: Any) -> None:
        """A store through a block pointer."""
        pointers, mask = _addresses(ptr, ptr.offsets, boundary_check)
        self.checked_store(pointers, value, mask)

    def create_advance(self, ptr: Any, offsets: Any) -> Any:
        """A block pointer moved by `offsets`."""
        if len(ptr.offsets) != len(offsets):
            raise ValueError(f"advance: expected {len(ptr.offsets)} offsets, got {len(offsets)}")
        moved = [self.create_add(at, by) for at, by in zip(ptr.offsets, offsets, strict=True)]
        return type(ptr)(ptr.base, ptr.shape, ptr.strides, moved, ptr.block_shape, ptr.order)

    def create_make_tensor_descriptor(
        self, base: Any, shape: Any, strides: Any, tensor_shape: Any, is_signed: bool, padding: Any = "zero"
    ) -> Any:
        """A descriptor; what the hardware would refuse is a finding, and the program goes on."""
        size = base.dtype.element_ty.primitive_bitwidth // 8
        address = base.data.item()
        if address % _TMA_ALIGNMENT:
            self._report_descriptor(base, f"its base is {address % _TMA_ALIGNMENT} bytes past a multiple of 16 bytes")
        for axis, stride in enumerate(strides[:-1]):
            step = stride.data.item() * size
            if step % _TMA_ALIGNMENT:
                self._report_descriptor(base, f"its stride of {step} bytes on axis {axis} is no multiple of 16 bytes")
        if strides[-1].data.item() != 1:
            self._report_descriptor(base, f"its last stride is {strides[-1].data.item()} elements, not 1")
        return descriptor_handle(base, shape, strides, tensor_shape, padding)

    def create_descriptor_load(self, desc: Any, indices: Any, *_: Any, **__: Any) -> CheckedHandle:
        """A load through a descriptor; what is out of its bounds is padding."""
        self._check_start(desc, indices)
        pointers, mask = _addresses(desc, indices, range(desc.ndim))
        result = self.checked_load(pointers, mask, _padding(pointers, desc.padding))
        if getattr(desc, "round_f32_to_tf32", False):
            result.data = round_to_tf32(result.data)
        return result

    def create_descriptor_store(self, desc: Any, value: CheckedHandle, indices: Any) -> None:
        """A store through a descriptor; what is out of its bounds is dropped."""
        self._check_start(desc, indices)
        pointers, mask = _addresses(desc, indices, range(desc.ndim))
        self.checked_store(pointers, value, mask)

    def _check_start(self, desc: Any, indices: Any) -> None:
        start = indices[-1].data.item() * (desc.base.dtype.element_ty.primitive_bitwidth // 8)
        if start % _TMA_ALIGNMENT:
            self._report_descriptor(desc.base, f"a block starts {start} bytes into a row, no multiple of 16 bytes")

    def _report_descriptor(self, base: Any, trouble: str) -> None:
        region = base.origin if isinstance(base.origin, Region) else None
        name = region.name if region is not None else "unknown memory"
        message = f"{self.state.program_name()}: tensor descriptor of {name} in {kernel_line()}: {trouble}"
        self.state.report(kinds.DESCRIPTOR, message, "descriptor", region)


def _addresses(block: Any, offsets: Any, checked_axes: Any) -> tuple[CheckedHandle, np.ndarray | None]:
    """The address of every lane of a block, and which lanes are in bounds (None: all)."""
    size = block.base.get_element_ty().primitive_bitwidth // 8
    shape = tuple(block.block_shape)
    steps = np.zeros(shape, dtype=np.int64)
    inside = np.ones(shape, dtype=bool)
    for axis, length in enumerate(shape):
        index = offsets[axis].data.reshape(-1)[0].astype(np.int64) + np.arange(length, dtype=np.int64)
        index = index.reshape([-1 if other == axis else 1 for other in range(len(shape))])
        steps = steps + index * block.strides[axis].data.reshape(-1)[0].astype(np.int64) * size
        if axis in checked_axes:
            inside &= (index >= 0) & (index < block.shape[axis].data.reshape(-1)[0])
    pointers = CheckedHandle(block.base.data.reshape(-1)[0] + steps.view(np.uint64), block.base.dtype.scalar)
    pointers.origin = block.base.origin
    pointers.taint = merged_taint(shape, block.base, *offsets, *block.strides)
    return pointers, None if inside.all() else inside


def _padding(pointers: CheckedHandle, option: Any) -> CheckedHandle | None:
    if option is None:
        return None
    dtype = pointers.get_element_ty()
    value = float("nan") if option == PADDING_NAN else 0
    return CheckedHandle(np.full(1, value, dtype=numpy_dtype(dtype)), dtype)
