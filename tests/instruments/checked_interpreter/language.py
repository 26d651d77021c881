"""Makes Triton's language run on the checked builder for the length of a launch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import triton.language as tl
from triton.runtime import interpreter

from .builder import CheckedBuilder, CheckedSemantic, check_condition
from .elementwise import transposed
from .fast_types import init_tensor, to_ir, with_element_ty
from .handles import CheckedHandle, numpy_dtype
from .hints import make_hint
from .reductions import make_reduce, make_scan
from .state import LaunchState

_MISSING = object()
_BUILTIN_CODE = tl.core.builtin(lambda: None).__code__
_HINTS = ("multiple_of", "max_contiguous", "max_constancy")


class _Patch(NamedTuple):
    owner: Any
    name: str
    value: Any


class _Recorder:
    """Stands in for the interpreter's patch scope: notes what would be set, and sets nothing."""

    def __init__(self) -> None:
        self.patches: dict[tuple[int, str], _Patch] = {}

    def set_attr(self, owner: Any, name: str, value: Any) -> None:
        self.patches[id(owner), name] = _Patch(owner, name, value)


@contextmanager
def checked_language(state: LaunchState) -> Iterator[CheckedBuilder]:
    """Run the body with the checked builder, and undo everything after it."""
    builder: Any = interpreter.interpreter_builder
    semantic: Any = interpreter.interpreter_semantic
    plain = builder.__class__, semantic.__class__
    undo: list[_Patch] = []
    builder.__class__, semantic.__class__ = CheckedBuilder, CheckedSemantic
    builder.state = state
    builder.other_given = False
    try:
        for owner, name, value in _patches():
            undo.append(_Patch(owner, name, vars(owner).get(name, _MISSING)))
            setattr(owner, name, value)
        yield builder
    finally:
        for owner, name, value in reversed(undo):
            if value is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
        builder.__class__, semantic.__class__ = plain
        del builder.state, builder.other_given


@cache
def _patches() -> list[_Patch]:
    """All that a launch sets. Working it out takes as long as a small launch, so it is done once."""
    recorder = _Recorder()
    for lang in (tl, tl.core):
        for owner in (lang, lang.tensor, tl.math):
            _record_builtins(recorder, owner)
        interpreter._patch_lang_tensor(lang.tensor, recorder)
        interpreter._patch_lang_core(lang, recorder)
    _record_builtins(recorder, tl.core.tensor_descriptor_base)
    builder: Any = interpreter.interpreter_builder
    for lang in (tl, tl.core):
        recorder.set_attr(lang, "reduce", make_reduce(builder))
        recorder.set_attr(lang, "associative_scan", make_scan(builder))
        for name in _HINTS:
            recorder.set_attr(lang, name, make_hint(builder, name))
    _record_tensor(recorder, builder)
    recorder.set_attr(interpreter, "TensorHandle", CheckedHandle)
    recorder.set_attr(interpreter, "_get_np_dtype", numpy_dtype)
    recorder.set_attr(interpreter.InterpretedFunction, "__call__", _call_device_function)
    return list(recorder.patches.values())


def _record_builtins(recorder: _Recorder, owner: Any) -> None:
    for name in dir(owner):
        member: Any = getattr(owner, name, None)
        # The plain interpreter leaves its own wrappers behind after a call of a device function.
        while "member" in (getattr(member, "__kwdefaults__", None) or {}):
            member = member.__kwdefaults__["member"]
        if callable(member) and tl.core.is_builtin(member):
            recorder.set_attr(owner, name, _with_semantic(member))


def _with_semantic(member: Any) -> Callable[..., Any]:
    semantic = interpreter.interpreter_semantic
    # Past the decorator that only checks that there is a semantic.
    is_plain = getattr(member, "__code__", None) is _BUILTIN_CODE
    inner = member.__wrapped__ if is_plain else member

    def call(*args: Any, **kwargs: Any) -> Any:
        kwargs["_semantic"] = semantic
        return inner(*args, **kwargs)

    return call


def _record_tensor(recorder: _Recorder, builder: CheckedBuilder) -> None:
    def to_bool(tensor: Any) -> bool:
        check_condition(builder, tensor, "a condition")
        data = tensor.handle.data
        # Only scalars have a truth value; the interpreter calls every block true.
        return bool(data) if data.size == 1 else True

    def to_index(tensor: Any) -> int:
        check_condition(builder, tensor, "a count")
        return int(tensor.handle.data.item())

    def transpose(tensor: Any) -> Any:
        shape = list(tensor.type.shape)
        shape[-1], shape[-2] = shape[-2], shape[-1]
        return tl.core.tensor(transposed(tensor.handle), tl.core.block_type(tensor.dtype, shape))

    recorder.set_attr(tl.tensor, "__init__", init_tensor)
    recorder.set_attr(tl.block_type, "with_element_ty", with_element_ty)
    for type_ in (tl.dtype, tl.block_type, tl.pointer_type):
        recorder.set_attr(type_, "to_ir", to_ir)
    recorder.set_attr(tl.tensor, "__bool__", to_bool)
    recorder.set_attr(tl.tensor, "__index__", to_index)
    recorder.set_attr(tl.tensor, "T", property(transpose))


def _call_device_function(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a device function; the language is patched already."""
    return function.rewrite()(*args, **kwargs)
