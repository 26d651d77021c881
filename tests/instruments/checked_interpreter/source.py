"""Where in the kernel's source the interpreter is."""

import sys
from pathlib import Path
from typing import NamedTuple

import triton

from tests.instruments import triton_seams

_NOT_THE_KERNELS = (f"{Path(__file__).parent}/", triton_seams.__file__, f"{Path(triton.__file__).parent}/")


here: "Line | None" = None
"""Where the kernel is while what was noted of it is done again, and its Python does not run."""


class Line(NamedTuple):
    """A line of a source file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{Path(self.file).name} line {self.line}"


def kernel_line() -> Line:
    """The innermost line that is neither Triton's nor this package's: the operation in the user's kernel."""
    if here is not None:
        return here
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(_NOT_THE_KERNELS):
            return Line(name, frame.f_lineno)
        frame = frame.f_back  # type: ignore[assignment]
    return Line("unknown", 0)


def in_kernel(depth: int) -> bool:
    """Whether the caller `depth` frames up is user code, not Triton's own."""
    return not sys._getframe(depth + 1).f_code.co_filename.startswith(_NOT_THE_KERNELS)
