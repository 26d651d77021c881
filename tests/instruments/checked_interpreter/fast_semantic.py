"""Triton's semantics with a memory: what it decides by types alone, it decides once.

A kernel's programs do the same operations on the same types. Triton's own code decides, aside; what it made of the
operands' types is noted, and done, the first time as every time. Types that are equal are one object, see `fast_types`.
"""

from typing import Any, NamedTuple

import triton.language as tl
from triton.language.semantic import TritonSemantic

MOST_NOTED = 20_000
"""Decisions that are kept: a kernel may count with Python's numbers, of which there are many."""


class _Operand(NamedTuple):
    """What becomes of one operand of two."""

    constant: tl.tensor | None
    """A number's tensor, of the other's shape."""
    scalar: tl.dtype
    """Else the scalar type that it is cast to."""


class FastSemantic(TritonSemantic):
    """`TritonSemantic`, with equal results."""

    _checked: dict[Any, tuple[_Operand, _Operand]] = {}  # noqa: RUF012 - one memory for all
    _broadcast: dict[Any, tuple[Any, Any] | None] = {}  # noqa: RUF012
    _integer_casts: dict[Any, tuple[Any, bool] | None] = {}  # noqa: RUF012

    def binary_op_type_checking_impl(self, lhs: Any, rhs: Any, *flags: Any, **named: Any) -> tuple[Any, Any]:
        """Cast and broadcast two operands for each other."""
        left, right = _key(lhs), _key(rhs)
        if left is None or right is None or named:
            return super().binary_op_type_checking_impl(lhs, rhs, *flags, **named)
        key = (left, right, flags)
        known = self._checked.get(key)
        if known is None:
            with self.builder.aside():
                told = super().binary_op_type_checking_impl(lhs, rhs, *flags)
            known = _operand(lhs, told[0]), _operand(rhs, told[1])
            _note(self._checked, key, known)
        of_left, of_right = known
        lhs = self.cast(lhs, of_left.scalar) if of_left.constant is None else of_left.constant
        rhs = self.cast(rhs, of_right.scalar) if of_right.constant is None else of_right.constant
        return self.broadcast_impl_value(lhs, rhs)

    def broadcast_impl_value(self, lhs: Any, rhs: Any) -> tuple[Any, Any]:
        """Give two operands one shape."""
        if lhs.type is rhs.type:
            return lhs, rhs
        key = (id(lhs.type), id(rhs.type))
        known = self._broadcast.get(key, key)
        if known is key:
            with self.builder.aside():
                left, right = super().broadcast_impl_value(lhs, rhs)
            known = (left.type, right.type) if _is_one_step(lhs, left) and _is_one_step(rhs, right) else None
            _note(self._broadcast, key, known)
        if known is None:
            return super().broadcast_impl_value(lhs, rhs)
        return self._spread(lhs, known[0]), self._spread(rhs, known[1])

    def _spread(self, operand: Any, type_: tl.dtype) -> Any:
        if operand.type is type_:
            return operand
        if operand.type.is_block():
            return self.tensor(self.builder.create_broadcast(operand.handle, type_.shape), type_)
        return self.tensor(self.builder.create_splat(type_, operand.handle), type_)

    def cast(self, input: Any, dst_ty: tl.dtype, fp_downcast_rounding: str | None = None) -> Any:
        """Cast a tensor."""
        if input.dtype is dst_ty:
            return input
        key = (id(input.type), dst_ty.name)
        known = self._integer_casts.get(key, key)
        if known is key:
            with self.builder.aside():
                told = super().cast(input, dst_ty, fp_downcast_rounding)
            old, new = input.dtype, told.dtype
            is_of_integers = old != new and old.is_int() and new.is_int() and not new.is_bool()
            known = (told.type, old.is_int_signed()) if is_of_integers else None
            _note(self._integer_casts, key, known)
        if known is None or fp_downcast_rounding is not None:
            return super().cast(input, dst_ty, fp_downcast_rounding)
        return self.tensor(self.builder.create_int_cast(input.handle, *known), known[0])


def _is_one_step(before: tl.tensor, after: tl.tensor) -> bool:
    """Whether no dimensions were added before lanes were repeated."""
    return not before.type.is_block() or len(before.type.shape) == len(after.type.shape)


def _key(operand: Any) -> Any:
    if type(operand) is tl.tensor:
        return id(operand.type)
    return (type(operand), operand) if type(operand) in (int, bool) else None


def _operand(given: Any, told: tl.tensor) -> _Operand:
    if type(given) is tl.tensor:
        return _Operand(None, told.dtype)
    told.handle.data.flags.writeable = False
    told.handle.is_constant = True
    return _Operand(told, told.dtype)


def _note(memory: dict[Any, Any], key: Any, decision: Any) -> None:
    if len(memory) >= MOST_NOTED:
        memory.clear()
    memory[key] = decision
