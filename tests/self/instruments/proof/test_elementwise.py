"""Does the model of each operation allow what Triton's interpreter computes, wraps included, and nothing else?"""

import random
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import triton
import triton.language as tl

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)
if not triton.knobs.runtime.interpret:
    pytest.skip("the interpreter needs TRITON_INTERPRET=1", allow_module_level=True)

import z3

from tests.instruments.checked_interpreter.handles import CheckedHandle
from tests.instruments.checked_interpreter.language import checked_language
from tests.instruments.checked_interpreter.regions import RegionTable
from tests.instruments.checked_interpreter.state import Garbage, LaunchState
from tests.instruments.checked_interpreter.taint import TaintTable
from tests.instruments.checked_interpreter.violations import Findings
from tests.instruments.proof.elementwise import BINARY, Elementwise
from tests.instruments.proof.module import Operation
from tests.instruments.proof.terms import Terms, bounds
from tests.instruments.proof.values import Value, scalar

DRAWS = 120
SIGNED = {32: tl.int32, 64: tl.int64}
UNSIGNED = {32: tl.uint32, 64: tl.uint64}
BUILDERS = {
    "addi": "create_add",
    "subi": "create_sub",
    "muli": "create_mul",
    "andi": "create_and",
    "ori": "create_or",
    "xori": "create_xor",
    "shli": "create_shl",
    "shrsi": "create_ashr",
    "shrui": "create_lshr",
    "divsi": "create_sdiv",
    "remsi": "create_srem",
    "divui": "create_udiv",
    "remui": "create_urem",
    "maxsi": "create_maxsi",
    "minsi": "create_minsi",
    "maxui": "create_maxui",
    "minui": "create_minui",
}
COMPARISONS = {
    **{f"s{order}": f"create_icmpS{order.upper()}" for order in ("lt", "le", "gt", "ge")},
    **{f"u{order}": f"create_icmpU{order.upper()}" for order in ("lt", "le", "gt", "ge")},
    "eq": "create_icmpEQ",
    "ne": "create_icmpNE",
}
INEXACT = ("andi", "ori", "xori")
"""Of which the model only says within which bounds the result is."""


def drawn(name: str, width: int) -> list[tuple[int, int]]:
    """Return pairs of numbers, many of them near the ends of the range and near powers of two."""
    dice = random.Random(f"{name}{width}")
    low, high = bounds(width)
    edges = [low, low + 1, -1, 0, 1, 2, 63, 64, 8448, 254_201, high // 2, high - 1, high]

    def number() -> int:
        kind = dice.randrange(3)
        return dice.choice(edges) if kind == 0 else dice.randint(low, high) if kind == 1 else dice.randint(-300, 300)

    by = {"sh": lambda: dice.randrange(width), "di": lambda: dice.randint(2, 999), "re": lambda: dice.randint(2, 999)}
    return [(number(), by.get(name[:2], number)()) for _ in range(DRAWS)]


def interpreted(builder_name: str, pairs: list[tuple[int, int]], width: int, is_unsigned: bool) -> list[int]:
    state = LaunchState(RegionTable({}), Findings(), TaintTable(), Garbage(0, zero=False))
    type_ = (UNSIGNED if is_unsigned else SIGNED)[width]
    numbers = [np.array(side, dtype=f"i{width // 8}") for side in zip(*pairs, strict=True)]
    if is_unsigned:
        numbers = [side.view(f"u{width // 8}") for side in numbers]
    with checked_language(state) as builder, np.errstate(all="ignore"):
        result = getattr(builder, builder_name)(*(CheckedHandle(side, type_) for side in numbers)).data
    return [int(each) for each in (result if result.dtype == np.bool_ else result.view(f"i{width // 8}"))]


def modelled(name: str, text: str, pairs: list[tuple[int, int]], width: int) -> Any:
    """Return the terms that the model gives, and the facts that go with them."""
    terms = Terms()

    def exact(shape, width, at, undefined):
        low, high = bounds(width)

        def wrapped():
            turns = terms.fresh("turns")
            return terms.fresh("wrapped", lambda w: [at() == w + (1 << width) * turns, w >= low, w <= high])

        return Value(shape, width, wrapped, undefined)

    model = Elementwise(terms, exact)
    operation = Operation(f"arith.{name}", text, ["%r"], ["%a", "%b"], "")
    results = [
        BINARY[f"arith.{name}"](model, operation, scalar(width, z3.IntVal(a)), scalar(width, z3.IntVal(b))).at()
        for a, b in pairs
    ]
    facts, _, _ = terms.cone(results)
    return results, facts


def check(results: Any, facts: Any, truth: list[int], is_exact: bool) -> None:
    expected = [z3.BoolVal(bool(t)) if z3.is_bool(r) else z3.IntVal(t) for r, t in zip(results, truth, strict=True)]
    allowed, denied = z3.Solver(), z3.Solver()
    allowed.add(*facts, *(result == value for result, value in zip(results, expected, strict=True)))
    assert allowed.check() == z3.sat, "the model does not allow what the interpreter computes"
    if is_exact:
        denied.add(*facts, z3.Or(*(result != value for result, value in zip(results, expected, strict=True))))
        assert denied.check() == z3.unsat, "the model allows something else"


@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("name", BUILDERS)
def test_an_operation_is_what_the_interpreter_computes(name, width):
    pairs = drawn(name, width)
    if name in ("divsi", "remsi"):
        pairs = [(a, b) for a, b in pairs if a != bounds(width)[0]]  # numpy's own division has a bug there
    is_unsigned = name.endswith("ui")
    truth = interpreted(BUILDERS[name], pairs, width, is_unsigned)
    results, facts = modelled(name, f"arith.{name} %a, %b : i{width}", pairs, width)
    check(results, facts, truth, name not in INEXACT)


@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("mask", [0, 1, 63, 0x7FFFFFFF])
def test_a_mask_of_low_bits_is_exact(mask, width):
    pairs = [(a, mask) for a, _ in drawn("andi", width)]
    results, facts = modelled("andi", f"arith.andi %a, %b : i{width}", pairs, width)
    check(results, facts, interpreted("create_and", pairs, width, False), True)


@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("predicate", COMPARISONS)
def test_a_comparison_is_what_the_interpreter_computes(predicate, width):
    pairs = drawn("cmpi", width)
    truth = interpreted(COMPARISONS[predicate], pairs, width, predicate[0] == "u")
    results, facts = modelled("cmpi", f"arith.cmpi {predicate}, %a, %b : i{width}", pairs, width)
    check(results, facts, truth, True)


@pytest.mark.parametrize(("name", "of", "to"), [("extsi", 32, 64), ("extui", 32, 64), ("trunci", 64, 32)])
def test_a_cast_is_what_two_s_complement_is(name, of, to):
    numbers = [a for a, _ in drawn(name, of)]
    terms = Terms()
    low, high = bounds(to)
    model = Elementwise(
        terms,
        lambda shape, width, at, undefined: Value(
            shape,
            width,
            lambda: terms.fresh("w", lambda w: [at() == w + (1 << width) * terms.fresh("turns"), w >= low, w <= high]),
            undefined,
        ),
    )
    operation = Operation(f"arith.{name}", f"arith.{name} %a : i{of} to i{to}", ["%r"], ["%a"], "")
    results = [model.cast(operation, scalar(of, z3.IntVal(number))).at() for number in numbers]
    facts, _, _ = terms.cone(results)
    signed = np.array(numbers, dtype=f"i{of // 8}")
    source = signed.view(f"u{of // 8}") if name == "extui" else signed
    check(results, facts, [int(each) for each in source.astype(f"i{to // 8}")], True)
