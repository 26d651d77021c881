"""What is proved of: one launch, with the grid and the arguments as terms over the arguments of the gather."""

from dataclasses import dataclass, field, replace
from typing import Any

import z3

from tests.instruments.proof.terms import Term

NUMBERS = (
    "num_pages",
    "page_stride",
    "byte_stride",
    "batch",
    "max_pages",
    "table_stride",
    "table_step",
    "lengths_stride",
    "seq_len_sum",
    "max_seq_len",
)
"""What the host knows of a call, besides dtypes and geometry: sizes and strides of the tensors, in elements."""

TERMS: dict[str, Any] = {name: z3.Int(name) for name in NUMBERS}
MOST = (1 << 63) - 1


@dataclass(frozen=True)
class TensorTerms:
    """A tensor: how many elements, how far apart, and of how many bytes."""

    name: str
    shape: tuple[Term, ...]
    strides: tuple[Term, ...]
    item: int


@dataclass(frozen=True)
class SymbolicLaunch:
    """One launch on one path through the host's code."""

    kernel: str
    ir: str
    """Triton's IR of the variant, before its passes."""
    grid: tuple[Term, Term, Term]
    arguments: tuple[TensorTerms | Term, ...]
    """Those that the compiled kernel has, in order; tensors may be views of `tensors`."""
    tensors: tuple[TensorTerms, ...]
    """The gather's tensors, and what the host allocates."""
    returned: tuple[TensorTerms, ...]
    """What the host returns: the results, in order."""
    is_only: bool
    """Whether it is the only launch of the call."""
    conditions: tuple[Term, ...]
    """What holds on the host's path."""
    example: dict[str, int] = field(compare=False)
    """Numbers with which the host takes this path."""

    @property
    def key(self) -> tuple[str, ...]:
        """Launches with equal keys differ in their conditions only."""
        arguments = [term.name if isinstance(term, TensorTerms) else term.sexpr() for term in self.arguments]
        shapes = [size.sexpr() for tensor in self.tensors for size in (*tensor.shape, *tensor.strides)]
        results = (str(self.is_only), *(tensor.name for tensor in self.returned))
        return self.ir, *(axis.sexpr() for axis in self.grid), *arguments, *shapes, *results

    def of(self, sequences: int) -> "SymbolicLaunch":
        """Return the launch of a call of so many sequences."""
        batch = TERMS["batch"], z3.IntVal(sequences)

        def fixed(term: Term) -> Term:
            return z3.substitute(term, batch)

        def of_tensor(tensor: TensorTerms) -> TensorTerms:
            return replace(tensor, shape=tuple(map(fixed, tensor.shape)), strides=tuple(map(fixed, tensor.strides)))

        return replace(
            self,
            grid=tuple(map(fixed, self.grid)),
            arguments=tuple(
                of_tensor(each) if isinstance(each, TensorTerms) else fixed(each) for each in self.arguments
            ),
            tensors=tuple(map(of_tensor, self.tensors)),
            returned=tuple(map(of_tensor, self.returned)),
            conditions=tuple(map(fixed, self.conditions)),
        )
