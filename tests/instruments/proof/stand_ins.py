"""What stands in for functions of Python and Triton that would make plain numbers of symbolic ones."""

import builtins
import operator
from typing import Any

import torch
import z3

from tests.instruments.proof.symbolic_tensors import SymbolicTensor
from tests.instruments.proof.symbols import TRACE, SymbolicInt, term_of, value_of


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
