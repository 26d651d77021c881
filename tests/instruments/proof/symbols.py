"""Numbers and tensors that a launcher takes for real ones, and that remember how they were computed.

A symbolic number is an `int`, which steers the host's code, with a term beside it. Each comparison is noted as a
condition of the path that the host took. What has no model pins the number to its value, as a condition too: nothing is
lost, though there are as many paths then as values.
"""

import builtins
import math
import operator
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import torch
import z3

from tests.instruments.proof.module import Unmodelled
from tests.instruments.proof.terms import Term

_salts = count(1)
ADDRESS = 1 << 20
"""Where tensors pretend to lie."""


@dataclass
class Trace:
    """What one run of the host's code noted."""

    conditions: list[Term] = field(default_factory=list)
    facts: list[Term] = field(default_factory=list)
    """Of names that stand for the smaller of two numbers and the like; true on each path."""
    results: list["SymbolicTensor"] = field(default_factory=list)
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
    if builtins.type(other) is SymbolicInt:
        one, other = other, one
    if builtins.type(other) is SymbolicInt or value_of(one) < 0 or other < 0:
        return pinned(one) | pinned(other)
    term, plain = term_of(one), value_of(one)
    if other == 0:
        return one
    joined = z3.Int(f"or({term.sexpr()},{other})")
    for power in (2, 4, 8, 16):
        divides = term % power == 0 if other % power == 0 else z3.BoolVal(False)
        TRACE.get().facts.append((joined % power == 0) == divides)
    TRACE.get().facts.append(joined >= other)
    return SymbolicInt(plain | other, joined)


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
for _name in ("and", "rand", "xor", "rxor", "lshift", "rlshift", "rshift", "rrshift", "truediv", "rtruediv"):
    _pinning(f"__{_name}__")
for _name in ("divmod", "rdivmod", "pow", "rpow", "invert", "index", "float", "round", "trunc", "floor", "ceil"):
    _pinning(f"__{_name}__")
for _name in ("to_bytes", "bit_count", "conjugate", "as_integer_ratio"):
    _pinning(_name)


def smallest(*numbers: Any, **named: Any) -> Any:
    """Stand in for `min`: of symbolic numbers, a name that is not more than any, and one of them."""
    return _extreme(builtins.min, operator.le, "min", numbers, named)


def greatest(*numbers: Any, **named: Any) -> Any:
    """Stand in for `max`."""
    return _extreme(builtins.max, operator.ge, "max", numbers, named)


def _extreme(plain: Any, order: Any, name: str, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    numbers = list(given[0]) if len(given) == 1 else list(given)
    if named or not any(builtins.type(number) is SymbolicInt for number in numbers):
        return plain(*given, **named)
    found = numbers[0]
    for number in numbers[1:]:
        one, other = term_of(found), term_of(number)
        term = z3.Int(f"{name}({one.sexpr()},{other.sexpr()})")
        TRACE.get().facts += [order(term, one), order(term, other), z3.Or(term == one, term == other)]
        found = SymbolicInt(plain(value_of(found), value_of(number)), term)
    return found


def next_power_of_2(number: int) -> int:
    """Stand in for `triton.next_power_of_2`."""
    if builtins.type(number) is not SymbolicInt:
        return 1 << (number - 1).bit_length() if number > 0 else 0
    return 1 << (number - 1).bit_length() if number > 0 else 0


def length(value: Any) -> int:
    """Stand in for `len`, whose result Python makes a plain number."""
    return value.shape[0] if builtins.type(value) is SymbolicTensor else builtins.len(value)


def type_of(value: Any, *more: Any) -> Any:
    """Stand in for `type`."""
    if more:
        return builtins.type(value, *more)
    kind = builtins.type(value)
    return {SymbolicInt: int, SymbolicTensor: torch.Tensor}.get(kind, kind)


class SymbolicRange:
    """Stands in for a constant range, whose `in` would pin a number."""

    def __init__(self, plain: range) -> None:
        self._plain = plain

    def __contains__(self, number: int) -> bool:
        """Whether a number lies in it."""
        return self._plain.start <= number < self._plain.stop and self._plain.step == 1

    def __getattr__(self, name: str) -> Any:
        """Return what the range has."""
        return getattr(self._plain, name)


class SymbolicTensor:
    """A tensor of symbolic sizes, on a GPU that is not there."""

    def __init__(
        self,
        name: str,
        shape: Sequence[int],
        strides: Sequence[int],
        dtype: torch.dtype,
        misaligned: int = 0,
    ) -> None:
        self.name = name
        self.shape = tuple(shape)
        self._strides = tuple(strides)
        self.dtype = dtype
        self._misaligned = misaligned
        self.device = torch.device("cuda", 0)
        self.layout = torch.strided
        self.ndim = len(self.shape)
        self.is_cuda = True
        self.requires_grad = False

    __class__ = property(lambda self: torch.Tensor)

    def __getattr__(self, name: str) -> Any:
        """Refuse what has no model."""
        if name.startswith("__"):
            raise AttributeError(name)
        raise Unmodelled(f"torch.Tensor.{name} of {self.name} on the host")

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Refuse operations of torch."""
        raise Unmodelled(f"torch's {getattr(function, '__name__', function)} on the host")

    def __len__(self) -> int:
        """Return the first size, which Python makes a plain number."""
        return pinned(self.shape[0])

    def dim(self) -> int:
        """Return the number of dimensions."""
        return self.ndim

    def size(self, axis: int | None = None) -> Any:
        """Return the sizes, or one."""
        return self.shape if axis is None else self.shape[axis]

    def stride(self, axis: int | None = None) -> Any:
        """Return the strides, or one."""
        return self._strides if axis is None else self._strides[axis]

    def numel(self) -> int:
        """Return the number of elements."""
        return math.prod(self.shape)

    def element_size(self) -> int:
        """Return the bytes of an element."""
        return self.dtype.itemsize

    def get_device(self) -> int:
        """Return the GPU's number."""
        return 0

    def data_ptr(self) -> int:
        """Return an address of the tensor's alignment."""
        return ADDRESS + self._misaligned

    def storage_offset(self) -> int:
        """Return where in its memory the tensor begins."""
        return self._misaligned // self.dtype.itemsize

    def is_contiguous(self) -> bool:
        """Whether elements lie side by side."""
        expected: int = 1
        for size, stride in zip(reversed(self.shape), reversed(self._strides), strict=True):
            if size != 1 and stride != expected:
                return False
            expected = expected * size
        return True

    def contiguous(self) -> "SymbolicTensor":
        """Return it, if elements lie side by side."""
        if self.is_contiguous():
            return self
        raise Unmodelled(f"a contiguous copy of {self.name} on the host")

    def view(self, dtype: Any, *more: Any) -> "SymbolicTensor":
        """Return the same memory as elements of another dtype."""
        if not isinstance(dtype, torch.dtype) or more:
            raise Unmodelled(f"torch.Tensor.view of {self.name} on the host")
        if dtype.itemsize == self.dtype.itemsize:
            return SymbolicTensor(self.name, self.shape, self._strides, dtype, self._misaligned)
        if dtype.itemsize < self.dtype.itemsize or self._strides[-1] != 1:
            raise Unmodelled(f"torch.Tensor.view of {self.name} as {dtype} on the host")
        wider = dtype.itemsize // self.dtype.itemsize
        shape = (*self.shape[:-1], self.shape[-1] // wider)
        return SymbolicTensor(
            self.name, shape, (*(step // wider for step in self._strides[:-1]), 1), dtype, self._misaligned
        )

    def new_empty(self, *shape: Any, dtype: Any = None, device: Any = None) -> "SymbolicTensor":
        """Return a new result."""
        return allocated(*shape, dtype=dtype or self.dtype)


def allocated(*shape: Any, dtype: torch.dtype = torch.float32, **options: Any) -> SymbolicTensor:
    """Stand in for `torch.empty`: return a new result, side by side."""
    if options.keys() - {"device", "requires_grad", "layout", "pin_memory"}:
        raise Unmodelled(f"an allocation with {', '.join(options)} on the host")
    sizes = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    strides: list[int] = []
    reach: int = 1
    for size in reversed(sizes):
        strides.insert(0, reach)
        reach = size * reach
    results = TRACE.get().results
    results.append(SymbolicTensor(f"result_{len(results)}", sizes, strides, dtype))
    return results[-1]
