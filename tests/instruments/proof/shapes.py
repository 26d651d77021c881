"""The model of operations that give lanes other places, and of addresses."""

from collections.abc import Callable, Mapping
from math import prod

import z3

from tests.instruments.proof.module import Operation, Unmodelled
from tests.instruments.proof.terms import Term
from tests.instruments.proof.values import At, Value, any_undefined


def _range(operation: Operation) -> Value:
    start, end = operation.number("start"), operation.number("end")
    return Value((end - start,), 32, lambda lane: z3.simplify(lane + start))


def _splat(operation: Operation, value: Value) -> Value:
    result = value.like(operation.result_types[0].shape, lambda of: lambda *lane: of())
    result.origin = value.origin
    return result


def _broadcast(operation: Operation, value: Value) -> Value:
    def one(of: At) -> At:
        return lambda *lane: of(*(z3.IntVal(0) if n == 1 else at for n, at in zip(value.shape, lane, strict=True)))

    result = value.like(operation.result_types[0].shape, one)
    result.origin = value.origin
    return result


def _expand(operation: Operation, value: Value) -> Value:
    axis = operation.number("axis")
    result = value.like(operation.result_types[0].shape, lambda of: lambda *lane: of(*lane[:axis], *lane[axis + 1 :]))
    result.origin = value.origin
    return result


def _reshape(operation: Operation, value: Value) -> Value:
    shape = operation.result_types[0].shape

    def from_flat(of: At) -> At:
        def at(*lane: Term) -> Term:
            flat = z3.Sum([z3.IntVal(0), *(place * prod(shape[axis + 1 :]) for axis, place in enumerate(lane))])
            sizes = [prod(value.shape[axis + 1 :]) for axis in range(len(value.shape))]
            places = [flat / size % count for size, count in zip(sizes, value.shape, strict=True)]
            return of(*map(z3.simplify, places))

        return at

    if shape == value.shape:
        result = value.like(shape, lambda of: of)
        result.source, result.picked = value.source, value.picked
    else:
        result = value.like(shape, from_flat)
    result.has_order = "allow_reorder" not in operation.text
    return result


def _add(operation: Operation, pointer: Value, offset: Value) -> Value:
    if pointer.root is None:
        raise Unmodelled(f"{operation.text[:60]} at {operation.place}")
    return Value(
        pointer.shape,
        None,
        lambda *lane: z3.simplify(pointer.at(*lane) + pointer.item * offset.at(*lane)),
        any_undefined(pointer, offset),
        root=pointer.root,
        item=pointer.item,
    )


def _bitcast(operation: Operation, value: Value) -> Value:
    (type_,) = operation.result_types
    result = value.like(value.shape, lambda of: of)
    if value.root is not None:
        result.item = (type_.pointee_bits or 8) // 8
    elif type_.bits != value.width:
        raise Unmodelled(f"{operation.text[:60]} at {operation.place}")
    return result


SHAPES: Mapping[str, Callable[..., Value]] = {
    "tt.make_range": _range,
    "tt.splat": _splat,
    "tt.broadcast": _broadcast,
    "tt.expand_dims": _expand,
    "tt.reshape": _reshape,
    "tt.addptr": _add,
    "tt.bitcast": _bitcast,
}
"""By the operation's name."""
