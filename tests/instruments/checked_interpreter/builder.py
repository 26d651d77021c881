"""The builder and the semantics that the interpreter gets during a checked launch."""

from typing import Any

import triton.language as tl

from .access import report_undefined
from .blocks import BlockOps
from .elementwise import ElementwiseOps
from .fast_semantic import FastSemantic
from .source import in_kernel


class CheckedBuilder(ElementwiseOps, BlockOps):
    """Triton's interpreter builder with checks. The interpreter's one builder becomes one for a launch."""


class CheckedSemantic(FastSemantic):
    """Triton's semantics without its own overflow arithmetic, which the builder's checks make redundant."""

    builder: CheckedBuilder

    def binary_op_sanitize_overflow_impl(self, lhs: Any, rhs: Any, binary_op: Any) -> None:
        """The interpreter computes each operation again in 64 bits here, and then drops the verdict."""

    def load(self, ptr: Any, mask: Any, other: Any, *args: Any, **kwargs: Any) -> Any:
        """A load; the builder is told whether there is an `other`."""
        self.builder.other_given = other is not None
        return super().load(ptr, mask, other, *args, **kwargs)


def check_condition(builder: CheckedBuilder, tensor: tl.tensor, what: str) -> None:
    """Report a condition or a count that is not defined; Triton's own questions do not count."""
    if tensor.handle.taint is not None and in_kernel(2):
        report_undefined(builder.state, tensor.handle, None, what)
