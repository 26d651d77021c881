"""Numbers that a launcher takes for real ones, and that remember how they were computed.

A symbolic number is an `int`, which steers the host's code, with a term beside it. Each comparison is noted as a
condition of the path that the host took. What has no model pins the number to its value, as a condition too: nothing is
lost, though there are as many paths then as values.
"""

import builtins
import operator
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import z3

from tests.instruments.proof.terms import Term

_salts = count(1)


@dataclass
class Trace:
    """What one run of the host's code noted."""

    conditions: list[Term] = field(default_factory=list)
    facts: list[Term] = field(default_factory=list)
    """Of names that stand for the smaller of two numbers and the like; true on each path."""
    results: list[Any] = field(default_factory=list)
    """Symbolic tensors that were allocated."""
    salt: int = field(default_factory=lambda: next(_salts))
    """Numbers of different runs have different hashes, so that no cache takes one for the other."""

    def holds(self, condition: Term, value: bool) -> bool:
        """Note which way a condition went."""
        condition = z3.simplify(condition if value else z3.Not(condition))
        if not z3.is_true(condition):
            self.conditions.append(condition)
        return value


TRACE: ContextVar[Trace] = ContextVar("trace")


def term_of(number: int) -> Term:
    """Return the term of a number, symbolic or not."""
    return number.term if builtins.type(number) is SymbolicInt else z3.IntVal(int.__int__(number))


def value_of(number: int) -> int:
    """Return the plain number, without noting that anybody wanted to know."""
    return int.__add__(number, 0) if builtins.type(number) is SymbolicInt else number


def pinned(number: int) -> int:
    """Return the plain number, and note that the path is of this number only."""
    plain = value_of(number)
    if builtins.type(number) is SymbolicInt:
        TRACE.get().holds(number.term == plain, True)
    return plain


class SymbolicInt(int):
    """A number with a term."""

    term: Term

    def __new__(cls, value: int, term: Term) -> "SymbolicInt":
        """Make a number of a value and a term."""
        made = int.__new__(cls, value)
        made.term = z3.simplify(term)
        return made

    def __hash__(self) -> int:
        """Return a hash that is of this run only."""
        return hash((TRACE.get().salt, value_of(self)))

    def __bool__(self) -> bool:
        """Note whether it is 0."""
        return TRACE.get().holds(self.term != 0, value_of(self) != 0)

    def __neg__(self) -> "SymbolicInt":
        """Return the negative."""
        return SymbolicInt(-value_of(self), -self.term)

    def __abs__(self) -> int:
        """Return the absolute value, and note the sign."""
        return -self if self < 0 else self

    def __int__(self) -> int:
        """Return the plain number, and pin it."""
        return pinned(self)

    def __repr__(self) -> str:
        """Return the number as digits."""
        return str(value_of(self))

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Return the number as digits."""
        return format(value_of(self), spec)

    def bit_length(self) -> int:
        """Return the bits, and note that the number has so many."""
        bits = value_of(self).bit_length()
        magnitude = abs(self)
        TRACE.get().holds(term_of(magnitude) < (1 << bits), True)
        TRACE.get().holds(term_of(magnitude) >= (1 << bits) // 2, True)
        return bits


def _joined(one: int, other: int) -> SymbolicInt | int:
    """Return `one | other`, of which it is known which small powers of two divide it."""
    if value_of(one) < 0 or value_of(other) < 0:
        return pinned(one) | pinned(other)
    for number, rest in ((one, other), (other, one)):
        if builtins.type(number) is not SymbolicInt and not number:
            return rest
    left, right = term_of(one), term_of(other)
    joined = z3.Int(f"or({left.sexpr()},{right.sexpr()})")
    for power in (2, 4, 8, 16):
        divides = z3.simplify(z3.And(left % power == 0, right % power == 0))
        TRACE.get().facts.append((joined % power == 0) == divides)
    TRACE.get().facts += [joined >= left, joined >= right]
    return SymbolicInt(value_of(one) | value_of(other), joined)


def _masked(one: int, other: int) -> int:
    """Return `one & other`, which is a remainder where the second has but ones."""
    mask = value_of(other)
    if builtins.type(other) is SymbolicInt or mask <= 0 or mask & (mask + 1):
        return pinned(one) & pinned(other)
    return one % (mask + 1)


def _exact(name: str, compute: Callable[[Any, Any], Any], needs_divisor: bool) -> None:
    def applied(one: Any, other: Any) -> Any:
        if not isinstance(one, int) or not isinstance(other, int):
            return NotImplemented
        if needs_divisor:
            other = pinned(other)
            if other <= 0:
                return compute(pinned(one), other)
        shown = {"floordiv": operator.truediv}.get(name, compute)
        return SymbolicInt(compute(value_of(one), value_of(other)), shown(term_of(one), term_of(other)))

    setattr(SymbolicInt, f"__{name}__", applied)
    setattr(SymbolicInt, f"__r{name}__", lambda one, other: applied(other, one))


def _compared(name: str, compare: Callable[[Any, Any], Any]) -> None:
    def compared(one: Any, other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented
        return TRACE.get().holds(compare(term_of(one), term_of(other)), compare(value_of(one), value_of(other)))

    setattr(SymbolicInt, f"__{name}__", compared)


def _pinning(name: str) -> None:
    plain = getattr(int, name)
    setattr(SymbolicInt, name, lambda *numbers: plain(*(pinned(n) if isinstance(n, int) else n for n in numbers)))


for _name in ("add", "sub", "mul", "floordiv", "mod"):
    _exact(_name, getattr(operator, _name), _name in ("floordiv", "mod"))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _compared(_name, getattr(operator, _name))
SymbolicInt.__or__ = _joined  # type: ignore[method-assign]
SymbolicInt.__ror__ = _joined  # type: ignore[method-assign]
SymbolicInt.__and__ = SymbolicInt.__rand__ = _masked  # type: ignore[method-assign]
for _name in ("xor", "rxor", "lshift", "rlshift", "rshift", "rrshift", "truediv", "rtruediv"):
    _pinning(f"__{_name}__")
for _name in ("divmod", "rdivmod", "pow", "rpow", "invert", "index", "float", "round", "trunc", "floor", "ceil"):
    _pinning(f"__{_name}__")
for _name in ("to_bytes", "bit_count", "conjugate", "as_integer_ratio"):
    _pinning(_name)
