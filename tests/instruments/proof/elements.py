"""What an element of a result is: of which sequence's token, from which bytes of the pool, stored by which program."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import z3

from reference.layout import SCALE_BYTES
from tests.instruments.proof.launch import TERMS, TensorTerms
from tests.instruments.proof.memory import Read
from tests.instruments.proof.module import Unmodelled
from tests.instruments.proof.terms import Term
from tests.instruments.proof.walk import Walk

_RESULTS = {"get_k_and_s": ("keys", "scales"), "get_k": ("keys",), "get_s": ("scales",)}


@dataclass(frozen=True)
class Result:
    """A result of a gather."""

    root: str
    """The tensor that it is."""
    what: str
    """`keys` or `scales`."""
    row_bytes: int
    in_page: int
    """Bytes of a page before those that it has of it."""


@dataclass(frozen=True)
class Element:
    """What one lane stores, if it is of one sequence."""

    sequence: int
    row: Term
    at: Term
    """Bytes from the row's start."""
    token: Term
    is_here: Term
    """Whether it is of this sequence."""
    page: Term
    """The number of its page."""
    is_page: Term
    """Whether there is such a page."""
    source: Term
    """Bytes from the pool's start, if it does."""


class Right(NamedTuple):
    """A number that should be stored, and what the kernel reads in such numbers, anywhere."""

    number: Term
    alike: tuple[Read, ...]


Form = Callable[[Element], Term]
"""A number made of what an element is: that of the program or lane that may store it."""


def results_of(walk: Walk, function: str, setting: Mapping[str, Any]) -> list[Result]:
    """Return the results of a gather.

    Raises:
        Unmodelled: they are not tensors of their own, which one launch fills.
    """
    returned, names = walk.launch.returned, _RESULTS[function]
    if not walk.launch.is_only:
        raise Unmodelled("a call of several launches")
    if len({tensor.name for tensor in returned}) != len(names) or len(returned) != len(names):
        raise Unmodelled("results that share memory")
    page_size, head_dim = setting["page_size"], setting["index_head_dim"]
    rows = {"keys": (head_dim, 0), "scales": (SCALE_BYTES, page_size * head_dim)}
    results = []
    for tensor, what in zip(returned, names, strict=True):
        result = Result(tensor.name, what, *rows[what])
        step = z3.simplify(tensor.item * tensor.strides[0])
        if not (step.eq(z3.IntVal(result.row_bytes)) and tensor.shape[0].eq(TERMS["seq_len_sum"])):
            raise Unmodelled(f"{what} that are not rows of {result.row_bytes} bytes side by side")
        results.append(result)
    return results


class Elements:
    """The elements of one walk's results.

    Args:
        walk: of a fixed number of sequences.
    """

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._terms = walk.terms
        tensors = {tensor.name: tensor for tensor in walk.launch.tensors}
        self.buf: TensorTerms = tensors["buf"]
        self._table: TensorTerms = tensors["page_indices"]
        self._lengths = [walk.length_of(sequence) for sequence in range(walk.sequences or 0)]
        self._known: dict[tuple[int, str], list[Element]] = {}

    def at(self, offset: Term, result: Result) -> list[Element]:
        """Return what stands at an offset of a result, for each sequence that it may be of."""
        key = self._terms.simple(offset).get_id(), result.root
        if key not in self._known:
            self._known[key] = self.of_row(*self._divided(offset, result.row_bytes), result)
        return self._known[key]

    def of_row(self, row: Term, at: Term, result: Result) -> list[Element]:
        """Return what stands so many bytes behind a row's start, for each sequence that it may be of."""
        return [self._of(sequence, row, at, result) for sequence in range(len(self._lengths))]

    def _of(self, sequence: int, row: Term, at: Term, result: Result) -> Element:
        token = self._terms.simple(row - z3.Sum([z3.IntVal(0), *self._lengths[:sequence]]))
        ordinal, slot = self._divided(token, self._walk.page_size)
        in_table = sequence * self._table.strides[0] + self._terms.times(ordinal, self._table.strides[1])
        page, _ = self._there("page", self._table.item * in_table, 8 * self._table.item, self.read_pages)
        in_page = slot * result.row_bytes + result.in_page + at
        source = self._terms.times(page, self.buf.strides[0]) + self._terms.times(in_page, self.buf.strides[1])
        return Element(
            sequence=sequence,
            row=row,
            at=at,
            token=token,
            is_here=z3.And(token >= 0, token < self._lengths[sequence]),
            page=page,
            is_page=z3.And(page >= 0, page < TERMS["num_pages"]),
            source=self._terms.simple(source),
        )

    @property
    def read_pages(self) -> list[Read]:
        """What the kernel reads of the page table."""
        return list(self._walk.memory.of("page_indices"))

    def right(self, element: Element, size: int) -> Right:
        """Return what should be stored of an element, if its page exists."""
        return self._there("right", element.source, 8 * size, list(self._walk.memory.of("buf")))

    def _there(self, name: str, offset: Term, bits: int, read: Sequence[Read]) -> Right:
        """Return what stands at a place; no more is known of it than that it is what the kernel reads there."""
        alike = tuple(each for each in read if each.bits == bits)
        facts = [(offset == each.offset, each.number) for each in alike]
        number = self._terms.fresh(name, lambda there: [z3.Implies(same, there == read) for same, read in facts])
        return Right(number, alike)

    def _divided(self, term: Term, by: int) -> tuple[Term, Term]:
        """Return the floor of a quotient, and what it leaves."""
        floor, rest = self._terms.fresh("floor"), self._terms.fresh("rest")
        for name in (floor, rest):
            self._terms.learn(name, term == by * floor + rest, rest >= 0, rest < by)
        return floor, rest

    def programs(self, sizes: Sequence[int]) -> Iterator[Form]:
        """Yield what the number of an element's program may be, where programs take so many tokens each."""
        yield lambda element: z3.IntVal(0)
        yield lambda element: z3.IntVal(element.sequence)
        for size in sizes:
            yield partial(_over, "token", size)
            yield partial(self._tile, size)
            yield partial(self._in_row, size)
            yield partial(_over, "row", size)
        yield attrgetter("row")

    def _tile(self, size: int, element: Element) -> Term:
        """Return the number of a tile, where those of all sequences are laid end to end."""
        before = ((length + size - 1) / size for length in self._lengths[: element.sequence])
        return z3.Sum([element.token / size, *before])

    def _in_row(self, size: int, element: Element) -> Term:
        """Return the number of a tile, where each sequence has equally many, whether it needs them or not."""
        columns = self._walk.grid[0] / max(len(self._lengths), 1)
        return element.sequence * columns + element.token / size


def lanes_of(result: Result, size: int, sizes: Sequence[int]) -> Iterator[Form]:
    """Yield what the number of the lane that stores an element may be.

    Args:
        result: the result.
        size: bytes of an element.
        sizes: tokens that a program may have.
    """
    yield partial(_over, "at", size)
    for some in sizes:
        for of in ("token", "row"):
            yield partial(_of_tile, of, some, 1, None)
            yield partial(_of_tile, of, some, result.row_bytes // size, size)


def _over(name: str, by: int, element: Element) -> Term:
    return getattr(element, name) / by


def _of_tile(name: str, count: int, units: int, size: int | None, element: Element) -> Term:
    """Return the place among `count` tokens, and if `size` is given, that of so many bytes among their `units`."""
    first = getattr(element, name) % count * units
    return first + element.at / size if size else first
