"""A kernel with what it is launched on, and of a planted bug, the finding that it must give."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Launch:
    """A kernel, and what it is launched on; the decorator `launched` makes it."""

    kernel: Any
    grid: tuple[int, ...]
    reads: Mapping[str, torch.Tensor]
    """Its first arguments: those that must not be written, by the names that findings give them."""
    rest: tuple[Any, ...]
    """Its other arguments, constants included."""

    def __call__(self) -> None:
        """Launch the kernel."""
        self.kernel[self.grid](*self.reads.values(), *self.rest)


@dataclass(frozen=True)
class Planted(Launch):
    """One planted bug, whose line in the kernel's source ends in the comment `# BUG`; see `planted`."""

    kind: str
    tensor: str
    program_id: tuple[int, ...]
    text: str

    @property
    def name(self) -> str:
        """The kernel's name."""
        return self.kernel.fn.__name__

    @property
    def line(self) -> int:
        """The number of the marked line in its file."""
        lines, first = inspect.getsourcelines(self.kernel.fn)
        marked = [first + index for index, line in enumerate(lines) if line.rstrip().endswith("# BUG")]
        if len(marked) != 1:
            raise ValueError(f"{self.name}: expected one line marked BUG, found {len(marked)}")
        return marked[0]


def launched(*grid: int, reads: Mapping[str, torch.Tensor], rest: tuple[Any, ...]) -> Callable[[Any], Launch]:
    """Make a kernel a `Launch`."""
    return lambda kernel: Launch(kernel, grid, reads, rest)


def planted(kind: str, tensor: str, program_id: tuple[int, ...], text: str) -> Callable[[Launch], Planted]:
    """Make a launch a planted bug: its one finding's kind, tensor and program, and words of the message."""
    return lambda launch: Planted(**vars(launch), kind=kind, tensor=tensor, program_id=program_id, text=text)


def planted_in(names: Mapping[str, Any]) -> list[Planted]:
    """Return the planted bugs of a module."""
    return [value for value in names.values() if isinstance(value, Planted)]


def ints(*values: int, dtype: torch.dtype = torch.int32) -> torch.Tensor:
    """Return a tensor of these numbers."""
    return torch.tensor(values, dtype=dtype)


def space(*shape: int, dtype: torch.dtype = torch.int32) -> torch.Tensor:
    """Return a tensor of zeros, for results and for what nobody looks at."""
    return torch.zeros(shape, dtype=dtype)
