"""Makes Triton's language run on the checked builder for the length of a launch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import triton.language as tl

from tests.instruments.triton_seams import InterpretedFunction, Language, interpreter_parts

from .builder import CheckedBuilder, CheckedSemantic, looked_at
from .elementwise import transposed
from .fast_types import init_tensor, to_ir, with_element_ty
from .handles import CheckedHandle, numpy_dtype
from .hints import make_hint
from .reductions import depends_on_all, make_reduce, make_scan
from .retrace import FIXED
from .state import LaunchState

_HINTS = ("multiple_of", "max_contiguous", "max_constancy")


@contextmanager
def checked_language(state: LaunchState) -> Iterator[CheckedBuilder]:
    """Run the body with the checked builder, and undo everything after it."""
    with _language().spoken() as builder:
        builder.state = state
        builder.other_given = False
        try:
            yield builder
        finally:
            del builder.state, builder.other_given


@cache
def _language() -> Language:
    builder: CheckedBuilder = interpreter_parts()[0]
    return Language(
        builder=CheckedBuilder,
        semantic=CheckedSemantic,
        handle=CheckedHandle,
        numpy_dtype=numpy_dtype,
        functions={
            "reduce": _as_step(builder, make_reduce(builder)),
            "associative_scan": _as_step(builder, make_scan(builder)),
            **{name: _as_step(builder, make_hint(builder, name)) for name in _HINTS},
        },
        tensor=_tensor_attributes(builder),
        with_element_ty=with_element_ty,
        to_ir=to_ir,
    )


def _as_step(builder: CheckedBuilder, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of tensors that counts as one operation of the builder."""

    def run(_: CheckedBuilder, *arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    FIXED.add(run)

    def step(input: Any, *arguments: Any, **named: Any) -> Any:
        recorder = builder.recorder
        if recorder is None or not isinstance(input, tl.tensor | tuple):
            return function(input, *arguments, **named)
        functions = [given for given in (*arguments, *named.values()) if isinstance(given, InterpretedFunction)]
        if not all(map(depends_on_all, functions)):
            recorder.give_up()  # the kernel's own lines are in it
        return recorder.do(builder, run, (input, *arguments), named)

    return step


def _tensor_attributes(builder: CheckedBuilder) -> dict[str, Any]:
    def to_bool(tensor: Any) -> bool:
        # Only scalars have a truth value; the interpreter calls every block true.
        return looked_at(builder, tensor, "a condition", lambda data: bool(data) if data.size == 1 else True)

    def to_index(tensor: Any) -> int:
        return looked_at(builder, tensor, "a count", lambda data: int(data.item()))

    @partial(_as_step, builder)
    def transpose(tensor: Any) -> Any:
        shape = list(tensor.type.shape)
        shape[-1], shape[-2] = shape[-2], shape[-1]
        return tl.core.tensor(transposed(tensor.handle), tl.core.block_type(tensor.dtype, shape))

    own = {"__init__": init_tensor, "__bool__": to_bool, "__index__": to_index, "T": property(transpose)}
    return own | _arithmetic()


def _arithmetic() -> dict[str, Any]:
    """The operators of `tl.tensor` that kernels use most, without the two layers of calls that add the semantic."""
    semantic = interpreter_parts()[1]

    def operators(name: str) -> tuple[Any, Any]:
        def operator(left: Any, right: Any) -> Any:
            return getattr(semantic, name)(left, right.value if isinstance(right, tl.constexpr) else right, True)

        def reflected(right: Any, left: Any) -> Any:
            return getattr(semantic, name)(left.value if isinstance(left, tl.constexpr) else left, right, True)

        return operator, reflected

    made = {name: operators(name) for name in ("add", "sub", "mul")}
    return {f"__{side}{name}__": made[name][place] for name in made for place, side in enumerate(("", "r"))}
