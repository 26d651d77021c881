"""Cheaper stand-ins for the bookkeeping that Triton's language does for each operation.

On small blocks the interpreter spends most of its time making types and wrapping the lengths of shapes.
These give equal values, and make each once.
"""

import math
from typing import Any

import triton.language as tl

_block_types: dict[tuple[str, int, tuple[int, ...]], tl.block_type] = {}
_known: dict[tuple[str, int], tuple[tl.dtype, tl.dtype, Any, Any]] = {}
"""Of each type, the one object that stands for all that are equal, and what tensors of it have."""


def init_tensor(tensor: tl.tensor, handle: Any, type: tl.dtype) -> None:
    """`tl.tensor.__init__`; tensors of equal types get one type."""
    tensor.handle = handle
    known = vars(type).get("_known") or _know(type)
    tensor.type, tensor.dtype, tensor.shape, tensor.numel = known


def _know(type: tl.dtype) -> tuple[tl.dtype, tl.dtype, Any, Any]:
    key = (type.name, getattr(type.scalar, "address_space", 0))
    known = _known.get(key)
    if known is None:
        shape = type.shape if type.is_block() else ()
        wrapped = tl.tuple([tl.constexpr(length) for length in shape])
        known = _known[key] = (type, type.scalar, wrapped, tl.constexpr(math.prod(shape)))
    type._known = known
    return known


def with_element_ty(block: tl.block_type, scalar_ty: tl.dtype) -> tl.block_type:
    """`tl.block_type.with_element_ty`"""
    key = (scalar_ty.name, getattr(scalar_ty, "address_space", 0), tuple(block.shape))
    known = _block_types.get(key)
    if known is None:
        known = _block_types[key] = tl.block_type(scalar_ty, block.shape)
    return known


def to_ir(type: tl.dtype, builder: Any) -> tl.dtype:
    """`to_ir` of all types: the interpreter's builder takes Triton's own types."""
    return type
