"""The model of operations lane by lane: whole numbers that wrap as two's complement does.

Each is compared with Triton's interpreter on random values, by `tests/self/instruments/proof/test_elementwise.py`.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

import z3

from tests.instruments.proof.module import Operation, Unmodelled, dense_constant
from tests.instruments.proof.terms import Term, Terms, bounds, is_number
from tests.instruments.proof.values import At, Value, any_undefined

Exact = Callable[[tuple[int, ...], int, At, At], Value]
"""Makes a value of a function that gives exact results, which may not fit the width."""


def unsigned(term: Term, width: int) -> Term:
    """Return what a signed number is when its bits are taken for an unsigned one."""
    return z3.If(term >= 0, term, term + (1 << width))


def compared(predicate: str, left: Term, right: Term, width: int) -> Term:
    """Return the truth of `arith.cmpi`."""
    if width == 1:
        equal = left == right
        if predicate in ("eq", "ne"):
            return equal if predicate == "eq" else z3.Not(equal)
        raise Unmodelled(f"arith.cmpi {predicate} of truth values")
    if predicate[0] == "u":
        left, right = unsigned(left, width), unsigned(right, width)
    orders = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge}
    orders |= {"eq": operator.eq, "ne": operator.ne}
    return orders[predicate[-2:]](left, right)


class Elementwise:
    """Operations on numbers in lanes.

    Args:
        terms: of the proof.
        exact: see `Exact`.
    """

    def __init__(self, terms: Terms, exact: Exact) -> None:
        self._terms = terms
        self._exact = exact

    def constant(self, operation: Operation) -> Value:
        """`arith.constant`, of the same number in all lanes; one that is no whole number is any."""
        (type_,) = operation.result_types if " : " in operation.text else [None]
        number = dense_constant(operation.text)
        shape, width = (type_.shape, type_.bits) if type_ else ((), 1)
        if number is None and not (type_ and type_.is_float):
            raise Unmodelled(f"{operation.text[:60]} at {operation.place}")
        if number is None:
            any_number = self._terms.between("float", *bounds(width or 1))
            return Value(shape, width, lambda *lane: any_number)
        term = z3.BoolVal(bool(number)) if width == 1 else z3.IntVal(_signed(number, width or 64))
        return Value(shape, width, lambda *lane: term)

    def arithmetic(self, operation: Operation, left: Value, right: Value) -> Value:
        """`arith.addi`, `subi`, `muli`; of truth values, `addi` is what `xori` is."""
        if left.width == 1:
            raise Unmodelled(f"{operation.name} of truth values at {operation.place}")
        compute = {"addi": operator.add, "subi": operator.sub, "muli": self._terms.times}[_short(operation)]
        return self._exact(
            left.shape,
            left.width or 64,
            lambda *lane: self._terms.simple(compute(left.at(*lane), right.at(*lane))),
            any_undefined(left, right),
        )

    def bitwise(self, operation: Operation, left: Value, right: Value) -> Value:
        """`arith.andi`, `ori`, `xori`; of a bit that the other operand decides, no matter that it is undefined."""
        name = _short(operation)
        if left.width == 1:
            compute: Any = {"andi": z3.And, "ori": z3.Or, "xori": z3.Xor}[name]

            def undefined(*lane: Term) -> Term:
                both = any_undefined(left, right)(*lane)
                if name == "xori" or z3.is_false(both):
                    return both
                decides = (lambda value: z3.Not(value.at(*lane))) if name == "andi" else lambda value: value.at(*lane)
                sure = [z3.And(z3.Not(value.undefined(*lane)), decides(value)) for value in (left, right)]
                return z3.And(both, z3.Not(z3.Or(*sure)))

            return Value(
                left.shape, 1, lambda *lane: self._terms.simple(compute(left.at(*lane), right.at(*lane))), undefined
            )
        low, high = bounds(left.width or 64)

        def at(*lane: Term) -> Term:
            x, y = left.at(*lane), right.at(*lane)
            if name == "andi" and is_number(y) and y.as_long() >= 0 and (y.as_long() & (y.as_long() + 1)) == 0:
                return self._remainder(x, y.as_long() + 1)

            def facts(term: Term) -> list[Term]:
                known = [term >= low, term <= high]
                if name == "andi":
                    return [*known, *(z3.Implies(part >= 0, z3.And(term >= 0, term <= part)) for part in (x, y))]
                both = z3.And(x >= 0, y >= 0)
                known.append(z3.Implies(both, z3.And(term >= 0, term <= x + y)))
                return [*known, z3.Implies(both, z3.And(term >= x, term >= y))] if name == "ori" else known

            return self._terms.fresh("bits", facts)

        return Value(left.shape, left.width, at, any_undefined(left, right))

    def shift(self, operation: Operation, left: Value, right: Value) -> Value:
        """`arith.shli`, `shrsi`, `shrui` by a constant."""
        width, name = left.width or 64, _short(operation)

        def by(*lane: Term) -> int:
            count = right.at(*lane)
            if not is_number(count) or not 0 <= count.as_long() < width:
                raise Unmodelled(f"{operation.name} by {count} at {operation.place}")
            return 1 << count.as_long()

        undefined = any_undefined(left, right)
        if name == "shli":
            return self._exact(
                left.shape, width, lambda *lane: self._terms.simple(left.at(*lane) * by(*lane)), undefined
            )

        def at(*lane: Term) -> Term:
            if by(*lane) == 1:
                return left.at(*lane)
            source = left.at(*lane) if name == "shrsi" else unsigned(left.at(*lane), width)
            return self._quotient(source, by(*lane))

        return Value(left.shape, width, at, undefined)

    def division(self, operation: Operation, left: Value, right: Value) -> Value:
        """`arith.divsi`, `remsi`, `divui`, `remui`, which round towards zero."""
        width, name = left.width or 64, _short(operation)
        low, high = bounds(width)

        def at(*lane: Term) -> Term:
            x, y = left.at(*lane), right.at(*lane)
            if name.endswith("ui"):
                if not is_number(y) or y.as_long() < 2:
                    raise Unmodelled(f"{operation.name} by {y} at {operation.place}")
                compute = self._quotient if name == "divui" else self._remainder
                return compute(unsigned(x, width), y.as_long())
            quotient, rest = self._terms.fresh("quotient"), self._terms.fresh("remainder")
            back = self._terms.times(quotient, y)
            known = [quotient >= low, quotient <= high, rest >= low, rest <= high]
            known.append(
                z3.Implies(
                    y >= 1,
                    z3.And(
                        x == back + rest,
                        z3.Implies(x >= 0, z3.And(rest >= 0, rest < y, quotient >= 0, quotient <= x)),
                        z3.Implies(x <= 0, z3.And(rest <= 0, rest > -y, quotient <= 0, quotient >= x)),
                    ),
                )
            )
            wanted, other = (quotient, rest) if name == "divsi" else (rest, quotient)
            self._terms.learn(wanted, *known)
            self._terms.learn(other)
            return wanted

        return Value(left.shape, width, at, any_undefined(left, right))

    def _quotient(self, term: Term, by: int) -> Term:
        """Return the floor of a quotient."""
        rest = self._terms.between("rest", 0, by - 1)
        return self._terms.fresh("floor", lambda floor: [term == by * floor + rest])

    def _remainder(self, term: Term, by: int) -> Term:
        """Return what the floor of a quotient leaves, which is not negative."""
        floor = self._terms.fresh("floor")
        return self._terms.fresh("rest", lambda rest: [term == by * floor + rest, rest >= 0, rest < by])

    def cast(self, operation: Operation, value: Value) -> Value:
        """`arith.extsi`, `extui`, `trunci`."""
        name, width = _short(operation), operation.result_types[0].bits or 64
        if name == "trunci":
            if width == 1:
                raise Unmodelled(f"{operation.text[:60]} at {operation.place}")
            return self._exact(value.shape, width, value.at, value.undefined)
        if value.width == 1:
            one = -1 if name == "extsi" else 1
            return Value(value.shape, width, lambda *lane: z3.If(value.at(*lane), one, 0), value.undefined)
        if name == "extsi":
            return Value(value.shape, width, value.at, value.undefined)
        return Value(
            value.shape,
            width,
            lambda *lane: self._terms.simple(unsigned(value.at(*lane), value.width or 64)),
            value.undefined,
        )

    def extreme(self, operation: Operation, left: Value, right: Value) -> Value:
        """`arith.maxsi`, `minsi`, `maxui`, `minui`."""
        name = _short(operation)
        predicate = f"{name[3]}{'ge' if name.startswith('max') else 'le'}"

        def at(*lane: Term) -> Term:
            x, y = left.at(*lane), right.at(*lane)
            return self.chosen(compared(predicate, x, y, left.width or 64), x, y)

        return Value(left.shape, left.width, at, any_undefined(left, right))

    def compare(self, operation: Operation, left: Value, right: Value) -> Value:
        """`arith.cmpi`."""
        predicate, width = operation.text.partition("cmpi ")[2].split(",")[0], left.width or 64
        return Value(
            left.shape,
            1,
            lambda *lane: self._terms.simple(compared(predicate, left.at(*lane), right.at(*lane), width)),
            any_undefined(left, right),
        )

    def select(self, operation: Operation, condition: Value, yes: Value, no: Value) -> Value:
        """`arith.select`; what is not chosen may be undefined."""
        if yes.root != no.root or yes.item != no.item:
            raise Unmodelled(f"a choice between addresses in {yes.root} and {no.root} at {operation.place}")

        def when(*lane: Term) -> tuple[Term, ...]:
            return lane if condition.shape else ()

        def at(*lane: Term) -> Term:
            truth, x, y = condition.at(*when(*lane)), yes.at(*lane), no.at(*lane)
            return z3.If(truth, x, y) if yes.width == 1 else self.chosen(truth, x, y)

        def undefined(*lane: Term) -> Term:
            x, y, truth = yes.undefined(*lane), no.undefined(*lane), condition.undefined(*when(*lane))
            if all(map(z3.is_false, (x, y, truth))):
                return truth
            return z3.Or(truth, z3.If(condition.at(*when(*lane)), x, y))

        picked = (condition, yes, no) if yes.width not in (1, None) and condition.shape else None
        return Value(yes.shape, yes.width, at, undefined, root=yes.root, item=yes.item, picked=picked)

    def chosen(self, condition: Term, yes: Term, no: Term) -> Term:
        """Return a name for one of two numbers."""
        condition = self._terms.simple(condition)
        if z3.is_true(condition) or yes.eq(no):
            return yes
        if z3.is_false(condition):
            return no
        return self._terms.fresh("chosen", lambda term: [z3.If(condition, term == yes, term == no)])


def _short(operation: Operation) -> str:
    return operation.name.partition(".")[2]


def _signed(number: int, width: int) -> int:
    low, _ = bounds(width)
    return (number - low) % (1 << width) + low


BINARY: Mapping[str, Callable[[Elementwise, Operation, Value, Value], Value]] = {
    **dict.fromkeys(("arith.addi", "arith.subi", "arith.muli"), Elementwise.arithmetic),
    **dict.fromkeys(("arith.andi", "arith.ori", "arith.xori"), Elementwise.bitwise),
    **dict.fromkeys(("arith.shli", "arith.shrsi", "arith.shrui"), Elementwise.shift),
    **dict.fromkeys(("arith.divsi", "arith.remsi", "arith.divui", "arith.remui"), Elementwise.division),
    **dict.fromkeys(("arith.maxsi", "arith.minsi", "arith.maxui", "arith.minui"), Elementwise.extreme),
    "arith.cmpi": Elementwise.compare,
}
"""Operations of two operands of one type, by name."""
