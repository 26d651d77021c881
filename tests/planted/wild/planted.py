"""What a planted bug is: a kernel, how to launch it, and the finding that it must give."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

Launch = Callable[[], None]
Prepared = tuple[dict[str, torch.Tensor], Launch]


@dataclass(frozen=True)
class Planted:
    """One planted bug, whose line in the kernel's source ends in the comment `# BUG`.

    `prepare` gives the read-only tensors by name, and a function that launches the kernel on them.
    """

    kernel: Any
    prepare: Callable[[], Prepared]
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
