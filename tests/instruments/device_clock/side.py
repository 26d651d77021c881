"""What is timed: something that can be called over and over on a placement, cold or warm."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import triton

from tests.instruments.device_clock.placement import Placement


@dataclass(frozen=True)
class Side:
    """One of the things that are compared."""

    name: str
    call: Callable[[Placement, int], Any]
    """Makes call number n on a placement; each number up to `budget.tables` has pages of its own."""


def gather_side(name: str, function: Callable[..., Any]) -> Side:
    """Return a side that calls a gather, one page table after the other."""
    return Side(name, lambda placement, number: function(*placement.arguments[number % len(placement.arguments)]))


def copy_side(name: str = "copy") -> Side:
    """Return a side that copies the bytes that a gather would: the roofline."""
    return Side(name, lambda placement, number: placement.sources[number % len(placement.sources)].clone())


def empty_side(name: str = "empty") -> Side:
    """Return a side that launches a kernel which does nothing: the cost of a place in the graph."""
    return Side(name, lambda placement, number: _empty_kernel[(1,)](placement.sources[0]))


@triton.jit
def _empty_kernel(ptr):
    pass
