"""A right gather of the harness's own oracle, quick on any device; odd behaviour is planted around it."""

from collections.abc import Callable
from typing import Any

from tests.planted.faults.plain import get_k_and_s

PAGE = 64
"""Tokens of calls up to which those that break off are right, so that their fault is one of some calls."""


def right_up_to_a_page(break_off: Callable[[], Any]) -> Callable[..., Any]:
    """Return a gather that is right up to 64 tokens, and beyond does `break_off` before it gathers."""

    def gather(*arguments: Any) -> Any:
        if arguments[3] > PAGE:
            break_off()
        return get_k_and_s(*arguments)

    return gather


def once(act: Callable[[], Any]) -> Callable[..., Any]:
    """Return a gather that does `act` in its first call, and is right in all."""
    left = [act]

    def gather(*arguments: Any) -> Any:
        if left:
            left.pop()()
        return get_k_and_s(*arguments)

    return gather
