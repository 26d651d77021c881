"""The arguments' memory: how far each reaches, and what a kernel reads there."""

from collections.abc import Iterator
from dataclasses import dataclass

import z3

from tests.instruments.proof.terms import Term, Terms, bounds

MOST_BYTES = 1 << 47
"""No memory is larger: a GPU's addresses have fewer bits."""


@dataclass(frozen=True)
class Extent:
    """How far the memory of a tensor reaches from its first byte."""

    bytes: Term
    is_empty: Term
    """Whether the tensor has no element, and so no byte."""


@dataclass(frozen=True)
class Read:
    """A number that a kernel reads."""

    root: str
    offset: Term
    """In bytes from the tensor's start."""
    bits: int
    number: Term


class Memory:
    """What is read, the same at one place each time; what it is, nobody knows."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._reads: dict[tuple[str, int, int], Read] = {}

    def read(self, root: str, offset: Term, bits: int) -> Term:
        """Return what stands at a place."""
        offset = self._terms.simple(offset)
        key = (root, offset.get_id(), bits)
        if key not in self._reads:
            number = self._terms.between(f"at_{root}", *bounds(bits))
            for other in self.of(root):
                if other.bits == bits:
                    self._terms.learn(number, z3.Implies(offset == other.offset, number == other.number))
            self._reads[key] = Read(root, offset, bits, number)
        return self._reads[key].number

    def of(self, root: str) -> Iterator[Read]:
        """Yield what was read of a tensor."""
        return (read for read in self._reads.values() if read.root == root)

    @property
    def reads(self) -> list[Read]:
        """All that was read."""
        return list(self._reads.values())
