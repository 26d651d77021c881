"""Cheaper stand-ins for the bookkeeping that Triton's language does for each operation.

On small blocks the interpreter spends most of its time making types and wrapping the lengths of shapes.
These give equal values, and make each once.
"""

import math
from functools import lru_cache
from typing import Any

import triton.language as tl

_block_types: dict[tuple[str, int, tuple[int, ...]], tl.block_type] = {}


def init_tensor(tensor: tl.tensor, handle: Any, type: tl.dtype) -> None:
    """`tl.tensor.__init__`"""
    tensor.handle = handle
    tensor.type = type
    tensor.dtype = type.scalar
    tensor.shape, tensor.numel = _wrapped_shape(type.shape if type.is_block() else ())


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


@lru_cache(maxsize=4096)
def _wrapped_shape(shape: tuple[int, ...]) -> tuple[Any, Any]:
    return tl.tuple([tl.constexpr(length) for length in shape]), tl.constexpr(math.prod(shape))
