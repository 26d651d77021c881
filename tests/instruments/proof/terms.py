"""Terms of a proof: whole numbers with names, each name with the facts that define it.

z3 is asked about linear arithmetic only. A product of two terms is a name of its own, of which lemmas say enough
(`tests.instruments.proof.lemmas`); what a load, a wrap or a choice gives is a name with its facts. A question then
brings along the facts of the names in it, and of those in these facts, and no others.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from hashlib import blake2b
from itertools import count
from types import MappingProxyType
from typing import Any, NamedTuple

import z3

Term = Any
"""A z3 expression. z3's own classes are no help to a type checker: its operators return any of them."""
Facts = Callable[[Term], list[Term]]


class Product(NamedTuple):
    """A product of two terms that are no constants, and the name that stands for it."""

    left: Term
    right: Term
    name: Term


_COMMUTATIVE = (z3.Z3_OP_ADD, z3.Z3_OP_MUL, z3.Z3_OP_AND, z3.Z3_OP_OR, z3.Z3_OP_EQ)


def _hash(*parts: bytes) -> bytes:
    return blake2b(b"".join(parts), digest_size=16).digest()


def is_number(term: Term) -> bool:
    """Whether a term is a constant."""
    return z3.is_int_value(term)


def bounds(width: int) -> tuple[int, int]:
    """Return the least and the greatest number of a signed integer of `width` bits."""
    return -(1 << (width - 1)), (1 << (width - 1)) - 1


class Terms:
    """The names of one proof."""

    def __init__(self) -> None:
        self._numbers = count()
        self._facts: dict[int, list[Term]] = {}
        self._products: dict[tuple[int, int], Product] = {}
        self._product_of_name: dict[int, Product] = {}
        self._linear: dict[int, Term] = {}
        self._names: dict[int, frozenset[int]] = {}
        self.by_number: dict[int, Term] = {}
        """The names by their numbers."""
        self._digests: dict[int, bytes] = {}
        self._labels: dict[int, bytes] = {}
        self._labelled: Counter[bytes] = Counter()
        self._lanes: dict[tuple[int, str], Term] = {}
        self._kept: list[Term] = []
        """All terms seen: z3 gives the number of a term that nobody holds to another one."""

    def keep(self, term: Term) -> Term:
        """Return a term whose number stays its own."""
        self._kept.append(term)
        return term

    def simple(self, term: Term) -> Term:
        """Return a term in z3's normal form."""
        return self.keep(z3.simplify(term))

    def fresh(self, name: str, facts: Facts | None = None) -> Term:
        """Return a new name of a number, of which `facts` hold."""
        term = self.keep(z3.Int(f"{name}!{next(self._numbers)}"))
        self._facts[term.get_id()] = known = list(facts(term)) if facts else []
        self._label(term, name, known)
        return term

    def fresh_truth(self, name: str) -> Term:
        """Return a new name of a truth value."""
        term = self.keep(z3.Bool(f"{name}!{next(self._numbers)}"))
        self._label(term, name, [])
        return term

    def learn(self, name: Term, *facts: Term) -> None:
        """Add facts that hold of a name."""
        self._facts.setdefault(self.keep(name).get_id(), []).extend(facts)

    def between(self, name: str, low: Any, high: Any) -> Term:
        """Return a new name of a number within both bounds."""
        return self.fresh(name, lambda term: [term >= low, term <= high])

    def lane(self, lanes: int, tag: str) -> Term:
        """Return the name of any lane of a dimension; another tag, another lane."""
        if lanes == 1:
            return z3.IntVal(0)
        if (lanes, tag) not in self._lanes:
            term = self._lanes[lanes, tag] = self.keep(z3.Int(f"lane{lanes}{tag}"))
            self._facts[term.get_id()] = [term >= 0, term < lanes]
        return self._lanes[lanes, tag]

    def times(self, left: Term, right: Term) -> Term:
        """Return the product of two terms, which is a name unless one is a constant.

        Constants are taken out first, so that `a * (b - 1)` and `a * b` share a product.
        """
        left, right = self.simple(left), self.simple(right)
        if is_number(left) or is_number(right):
            return self.simple(left * right)
        for one, other in ((left, right), (right, left)):
            if z3.is_add(one) and any(map(is_number, one.children())):
                constant = sum(part.as_long() for part in one.children() if is_number(part))
                return self.simple(self.times(one - constant, other) + constant * other)
            if z3.is_mul(one) and is_number(one.arg(0)):
                return self.simple(one.arg(0) * self.times(z3.Product(*one.children()[1:]), other))
        if left.get_id() > right.get_id():
            left, right = right, left
        key = left.get_id(), right.get_id()
        if key not in self._products:
            name = self.fresh("product")
            self._products[key] = self._product_of_name[name.get_id()] = Product(left, right, name)
            for one, other in ((left, right), (right, left)):
                if z3.is_idiv(one) and is_number(one.arg(1)):
                    self._learn_of_quotient(name, one, other)
        return self._products[key].name

    def _learn_of_quotient(self, product: Term, quotient: Term, factor: Term) -> None:
        """Say how a multiple of a quotient and one of the dividend go together."""
        whole, by = self.times(factor, quotient.arg(0)), quotient.arg(1)
        rest = whole - by * product
        self.learn(product, z3.Implies(factor >= 0, z3.And(rest >= 0, rest <= (by - 1) * factor)))

    def all_of(self, terms: Sequence[Term]) -> Term:
        """Return that all of many statements hold; z3's own `And` takes as long to check their types as to solve."""
        references = (z3.Ast * len(terms))(*(term.as_ast() for term in terms))
        context = z3.main_ctx()
        return z3.BoolRef(z3.Z3_mk_and(context.ref(), len(terms), references), context)

    def linear(self, term: Term) -> Term:
        """Return a term of the host, in which products may stand, with names for them."""
        known = self._linear.get(term.get_id())
        if known is None:
            known = self._made_linear(term) if term.num_args() else term
            self._linear[self.keep(term).get_id()] = self.keep(known)
        return known

    def _made_linear(self, term: Term) -> Term:
        parts = [self.linear(part) for part in term.children()]
        if z3.is_mul(term):
            return reduce(self.times, parts)
        if z3.is_idiv(term) or z3.is_mod(term):
            return self._divided(z3.is_idiv(term), *parts)
        return z3.substitute(term, *zip(term.children(), parts, strict=True))

    def _divided(self, is_quotient: bool, dividend: Term, divisor: Term) -> Term:
        """Return quotient or remainder as the host's `//` and `%` give them; divisors are positive constants."""
        if not is_number(divisor) or divisor.as_long() <= 0:
            raise ValueError(f"divisor: expected a positive constant, got {divisor}")
        quotient, by = self.simple(dividend / divisor), divisor.as_long()
        return quotient if is_quotient else self.simple(dividend - by * quotient)

    def names_in(self, term: Term) -> frozenset[int]:
        """Return the numbers of the names in a term."""
        known = self._names.get(term.get_id())
        if known is None:
            if term.num_args():
                known = frozenset().union(*map(self.names_in, term.children()))
            else:
                is_name = z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED
                if is_name:
                    self.by_number[term.get_id()] = term
                known = frozenset([term.get_id()]) if is_name else frozenset()
            self._names[self.keep(term).get_id()] = known
        return known

    def _label(self, name: Term, kind: str, facts: Sequence[Term]) -> None:
        """Give a name a label that depends on the order in which names were made only where facts are equal."""
        self._labels[name.get_id()] = _hash(b"itself")
        text = _hash(_hash(kind.encode()), *sorted(self._digest_of(fact, {}) for fact in facts))
        self._labelled[text] += 1
        self._labels[name.get_id()] = _hash(text, str(self._labelled[text]).encode())

    def label(self, name: Term) -> bytes:
        """Return the label of a name: what it is called in questions that are the same but for their names."""
        return self._labels.get(name.get_id()) or _hash(b"name ", name.decl().name().encode())

    def digest(self, term: Term) -> bytes:
        """Return what is equal for terms that are the same but for names, and for the order where none matters."""
        return self._digest_of(term, self._digests)

    def _digest_of(self, term: Term, known: dict[int, bytes]) -> bytes:
        number = term.get_id()
        if number in self._digests:
            return self._digests[number]
        if number not in known:
            if is_number(term):
                found = _hash(b"number ", term.as_string().encode())
            elif not term.num_args():
                found = self.label(term)
            else:
                parts = [self._digest_of(part, known) for part in term.children()]
                kind = term.decl().kind()
                found = _hash(kind.to_bytes(4, "big"), *(sorted(parts) if kind in _COMMUTATIVE else parts))
            known[number] = found
            self.keep(term)
        return known[number]

    def cone(
        self, terms: Iterable[Term], also: Mapping[int, Sequence[Term]] = MappingProxyType({})
    ) -> tuple[list[Term], list[Product], frozenset[int]]:
        """Return the facts that bear on terms, the products among them, and the numbers of all their names.

        Args:
            terms: the terms.
            also: more facts of names, by the names' numbers.
        """
        seen: set[int] = set()
        facts: dict[int, Term] = {}
        products: list[Product] = []
        left = list(terms)
        while left:
            for name in self.names_in(left.pop()) - seen:
                seen.add(name)
                if name in self._product_of_name:
                    product = self._product_of_name[name]
                    products.append(product)
                    left += [product.left, product.right]
                for fact in (*self._facts.get(name, ()), *also.get(name, ())):
                    if fact.get_id() not in facts:
                        facts[self.keep(fact).get_id()] = fact
                        left.append(fact)
        return list(facts.values()), products, frozenset(seen)
