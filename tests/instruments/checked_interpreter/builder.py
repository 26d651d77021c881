"""The builder and the semantics that the interpreter gets during a checked launch."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import triton.language as tl

from .access import report_undefined
from .blocks import BlockOps
from .elementwise import ElementwiseOps
from .fast_semantic import FastSemantic
from .handles import CheckedHandle
from .recorder import Recorder
from .retrace import FIXED
from .source import in_kernel


class CheckedBuilder(ElementwiseOps, BlockOps):
    """Triton's interpreter builder with checks. The interpreter's one builder becomes one for a launch."""

    recorder: Recorder | None = None
    """Notes what the running program does."""

    def aside(self) -> AbstractContextManager[None]:
        """Do not note what is done inside the block."""
        return nullcontext() if self.recorder is None else self.recorder.aside()


def _noted(run: Callable[..., Any]) -> Callable[..., Any]:
    def noted(builder: CheckedBuilder, *arguments: Any, **named: Any) -> Any:
        assert builder.recorder is not None
        return builder.recorder.do(builder, run, arguments, named)

    return noted


class NotingBuilder(CheckedBuilder):
    """A builder whose operations go through its recorder."""


_NOTED = ("create_", "get_int", "get_uint", "get_fp", "get_null", "get_all", "tell_")
_NOT_FIXED = (
    "load",
    "store",
    "atomic",
    "program",
    "descriptor",
    "ptr",
    "advance",
    "print",
    "assert",
    "barrier",
    "tell",
)
"""In the names of operations that look at memory or at where the program stands, or do something."""
for _name in dir(CheckedBuilder):
    if _name.startswith(_NOTED) and not _name.endswith("_ty"):
        _run = getattr(CheckedBuilder, _name)
        setattr(NotingBuilder, _name, _noted(_run))
        if not any(part in _name for part in _NOT_FIXED):
            FIXED.add(_run)


class CheckedSemantic(FastSemantic):
    """Triton's semantics without its own overflow arithmetic, which the builder's checks make redundant."""

    builder: CheckedBuilder

    def binary_op_sanitize_overflow_impl(self, lhs: Any, rhs: Any, binary_op: Any) -> None:
        """The interpreter computes each operation again in 64 bits here, and then drops the verdict."""

    def load(self, ptr: Any, mask: Any, other: Any, *args: Any, **kwargs: Any) -> Any:
        """A load; the builder is told whether there is an `other`."""
        self.builder.tell_other(other is not None)
        return super().load(ptr, mask, other, *args, **kwargs)


@contextmanager
def noting(builder: CheckedBuilder, recorder: Recorder) -> Iterator[Recorder]:
    """Have a recorder note what the program inside the block does."""
    builder.recorder, builder.__class__ = recorder, NotingBuilder
    try:
        yield recorder
    finally:
        builder.__class__ = CheckedBuilder
        del builder.recorder


def looked_at(builder: CheckedBuilder, tensor: tl.tensor, what: str, read: Callable[[Any], Any]) -> Any:
    """Return what the kernel's Python reads of a value, `what`; one that is not defined is reported.

    Triton's own questions do not count.
    """

    def ask(handle: CheckedHandle) -> Any:
        if handle.taint is not None and is_kernels:
            report_undefined(builder.state, handle, None, what)
        return read(handle.data)

    recorder = builder.recorder
    is_kernels = (recorder is not None or tensor.handle.taint is not None) and in_kernel(2)
    return ask(tensor.handle) if recorder is None else recorder.answer(tensor.handle, ask)
