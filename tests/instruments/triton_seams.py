"""Every place where the harness reaches into Triton: a new release of Triton means this file.

What Triton keeps for itself is named, replaced and put back here only. The rest of the harness uses Triton's public
names, and what this file gives: listeners to launches, the driver and the hook before compilation, and the
interpreter's parts and language.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple
from unittest import mock

import torch
import triton
import triton.language as tl
from torch.utils._python_dispatch import _disable_current_modes
from triton._C.libtriton import ir
from triton.compiler import ASTSource
from triton.compiler.compiler import make_backend
from triton.compiler.errors import CompilationError
from triton.runtime import driver, interpreter
from triton.runtime.autotuner import Autotuner
from triton.runtime.errors import InterpreterError, OutOfResources, PTXASError
from triton.runtime.interpreter import InterpretedFunction, InterpreterBuilder, ReduceOps, ScanOps, TensorHandle
from triton.runtime.jit import JITFunction, TensorWrapper, get_jit_fn_file_line, mangle_type

__all__ = ["InterpretedFunction", "InterpreterBuilder", "InterpreterError", "ReduceOps", "ScanOps", "TensorHandle"]

sum_combine = tl.standard._sum_combine
"""The combine function of `tl.sum` and `tl.cumsum`."""
numpy_dtype_of = interpreter._get_np_dtype
"""Numpy's type of the lanes of a scalar type."""
signed_dtype = interpreter._get_signed_np_dtype
"""Numpy's signed type of the same size."""
tuple_like = interpreter._tuple_create
"""A tuple of the class of another."""
descriptor_handle = interpreter.TensorDescHandle
"""The interpreter's value of a tensor descriptor: base, shape, strides, block shape, padding."""
PADDING_NAN = ir.PADDING_OPTION.PAD_NAN
_MISSING = object()
_BUILTIN_CODE = tl.core.builtin(lambda: None).__code__


# Launches on the interpreter


@dataclass(frozen=True)
class InterpretedLaunch:
    """A launch that the interpreter is asked for."""

    kernel: InterpretedFunction
    grid: Any
    """Axes, or a function that gives them for the bound arguments."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    """Arguments by name, and options such as `num_warps`."""

    @property
    def named(self) -> dict[str, Any]:
        """The arguments among `kwargs`."""
        return {name: value for name, value in self.kwargs.items() if name in self.kernel.arg_names}

    @property
    def options(self) -> dict[str, Any]:
        """What is no argument among `kwargs`."""
        return {name: value for name, value in self.kwargs.items() if name not in self.kernel.arg_names}

    def axes(self, arguments: Mapping[str, Any] | None = None) -> tuple[int, ...]:
        """Return the axes of the grid, for bound arguments where these are known already."""
        if not callable(self.grid):
            return tuple(int(axis) for axis in self.grid)
        if arguments is None:
            arguments = inspect.getcallargs(self.kernel.fn, *self.args, **self.named)
        return tuple(int(axis) for axis in self.grid(arguments))


OnInterpreted = Callable[[InterpretedLaunch, Callable[[], None]], None]
"""Gets a launch, and what runs it: the next listener, or the interpreter itself."""

_listeners: list[OnInterpreted] = []
_plain_run = InterpretedFunction.run


@contextmanager
def interpreted_launches(on_launch: OnInterpreted) -> Iterator[None]:
    """Have `on_launch` told of each launch on the interpreter inside the block; the innermost block's comes first.

    What listeners and the interpreter do through torch is not the implementation's, and is hidden from torch's modes.
    """
    _listeners.append(on_launch)
    InterpretedFunction.run = _run
    try:
        yield
    finally:
        _listeners.remove(on_launch)
        if not _listeners:
            InterpretedFunction.run = _plain_run


def _run(kernel: InterpretedFunction, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> None:
    """Stand in for `InterpretedFunction.run`."""
    if warmup:
        return
    launch = InterpretedLaunch(kernel, grid, args, kwargs)

    def run_below(place: int) -> None:
        if place:
            _listeners[place - 1](launch, lambda: run_below(place - 1))
        else:
            _plain_run(kernel, *args, grid=grid, warmup=False, **kwargs)

    with _disable_current_modes(), torch._C.DisableTorchFunction():
        run_below(len(_listeners))


@contextmanager
def autotuned_launches(choose: Callable[[str, Sequence[Any]], Any]) -> Iterator[None]:
    """Have `choose` told an autotuned kernel's name and configurations at each launch, and say which is launched.

    Nothing is timed, and nothing remembered.
    """

    def run(tuner: Any, *args: Any, **kwargs: Any) -> Any:
        tuner.nargs = dict(zip(tuner.arg_names, args, strict=False))
        config = tuner.best_config = choose(tuner.base_fn.__name__, tuner.prune_configs(kwargs))
        if config.pre_hook is not None:
            config.pre_hook({**tuner.nargs, **kwargs, **config.all_kwargs()})
        result = tuner.fn.run(*args, **kwargs, **config.all_kwargs())
        tuner.nargs = None
        return result

    with mock.patch.object(Autotuner, "run", run):
        yield


# Launches of compiled kernels


@contextmanager
def compiled_launches(on_launch: Callable[[str], None]) -> Iterator[None]:
    """Have `on_launch` told the kernel's name at each launch of a compiled kernel that goes through Triton's hook."""

    def entered(metadata: Any) -> None:
        on_launch(metadata.get()["name"])

    triton.knobs.runtime.launch_enter_hook.add(entered)
    try:
        yield
    finally:
        triton.knobs.runtime.launch_enter_hook.remove(entered)


class UnknownLauncher(Exception):
    """This Triton hands launches to the driver in another way than those known; the text says which."""


class Launched(NamedTuple):
    """A launch as Triton's launcher got it."""

    grid: tuple[int, int, int]
    function: int
    """The driver's handle of the kernel."""
    arguments: tuple[Any, ...]
    """The kernel's, compiled-in ones included."""


_BEFORE_ARGUMENTS = 9
"""What a launcher is given before the kernel's arguments: the grid's three axes, stream, function, packed metadata,
metadata for hooks, and the two hooks."""


@contextmanager
def launcher_calls(launcher: Any, on_launch: Callable[[Launched], None]) -> Iterator[None]:
    """Have `on_launch` told of each launch of a compiled kernel inside the block, by whatever way it was asked for.

    Args:
        launcher: the class whose objects `CompiledKernel.run` gives.
        on_launch: told before the launch.

    Raises:
        UnknownLauncher: also inside the block, at a launch.
    """
    original = vars(launcher).get("__call__") if isinstance(launcher, type) else None
    if original is None:
        raise UnknownLauncher(f"this Triton's launcher is no class with a __call__: {launcher!r}")

    def call(self: Any, *given: Any, **named: Any) -> Any:
        if named or len(given) < _BEFORE_ARGUMENTS:
            raise UnknownLauncher("this Triton's launcher is called in another way than those known")
        on_launch(Launched((int(given[0]), int(given[1]), int(given[2])), given[4], given[_BEFORE_ARGUMENTS:]))
        return original(self, *given)

    # Who launches past the launcher, as the project's gathers do, must not while somebody listens to the hook.
    with mock.patch.object(launcher, "__call__", call), compiled_launches(lambda name: None):
        yield


def launcher_class() -> Any:
    """Return the class of the active driver's launchers."""
    return driver.active.launcher_cls


# Driver and compilation


@contextmanager
def active_driver(stand_in: Any) -> Iterator[None]:
    """Have Triton take `stand_in` for the driver of its GPU inside the block."""
    before = driver._active  # asking for it otherwise makes one, which needs a GPU
    driver.set_active(stand_in)
    try:
        yield
    finally:
        driver.set_active(before)


@contextmanager
def before_compiling(hook: Callable[[Any, dict[str, Any]], bool]) -> Iterator[None]:
    """Have `hook` told the kernel's function, and how it is specialised, before Triton compiles it inside the block.

    Where the hook returns True, Triton takes the kernel for compiled elsewhere, and launches nothing.
    """
    earlier = triton.knobs.runtime.jit_cache_hook

    def told(*, fn: Any, compile: dict[str, Any], **more: Any) -> bool:
        is_done = hook(fn.jit_function.fn, compile)
        return bool(earlier(fn=fn, compile=compile, **more)) or is_done if earlier is not None else is_done

    triton.knobs.runtime.jit_cache_hook = told
    try:
        yield
    finally:
        triton.knobs.runtime.jit_cache_hook = earlier


_jit_functions: dict[tuple[Any, str], JITFunction] = {}


def specialise(launch: InterpretedLaunch, stand_in: Any, target: str) -> dict[str, Any]:
    """Take an interpreted launch through Triton's own launch path, up to the hook before compilation.

    Args:
        launch: the launch.
        stand_in: a driver.
        target: what the driver stands for; kernels are kept by it.

    Raises:
        Exception: whatever Triton raises at a launch that it refuses.
    """
    kernel = launch.kernel
    function = _jit_functions.get((kernel.fn, target))
    if function is None:
        function = _jit_functions[kernel.fn, target] = JITFunction(kernel.fn, **kernel.kwargs)
    told: list[dict[str, Any]] = []

    def note(function: Any, compile: dict[str, Any]) -> bool:
        told.append(compile)
        return True

    with active_driver(stand_in), before_compiling(note):
        function.run(*launch.args, grid=(1,), warmup=True, **launch.kwargs)
    (compiled,) = told
    return compiled


def front_end(source: ASTSource, target: Any, options: Mapping[str, Any]) -> None:
    """Bring a kernel to Triton's IR, and no further.

    Raises:
        Exception: what Triton's compiler raises.
    """
    backend = make_backend(target)
    parsed = backend.parse_options({**options, **source.parse_options()})
    context = ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    source.make_ir(target, parsed, backend.get_codegen_implementation(parsed), backend.get_module_map(), context)


def first_ir(
    kernel: JITFunction,
    signature: Mapping[str, str],
    constants: Mapping[tuple[int, ...], Any],
    options: Mapping[str, Any],
    target: Any,
) -> str:
    """Return the text of Triton's IR of a kernel, before any pass, without checks of overflows.

    Args:
        kernel: the kernel.
        signature: the type of each parameter as `type_name` tells it, `constexpr` of a constant.
        constants: by the parameter's place.
        options: that a launch names.
        target: a `GPUTarget`.

    Raises:
        Exception: what Triton's compiler raises.
    """
    source = ASTSource(kernel, dict(signature), dict(constants), {})
    backend = make_backend(target)
    parsed = backend.parse_options({**options, **source.parse_options(), "sanitize_overflow": False})
    context = ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    return str(
        source.make_ir(target, parsed, backend.get_codegen_implementation(parsed), backend.get_module_map(), context)
    )


def type_name(value: Any) -> str:
    """Return the type that an argument of a launch has in a signature."""
    return mangle_type(value)


@contextmanager
def compiled_runs(on_run: Callable[[JITFunction, tuple[Any, ...], Any, dict[str, Any]], None]) -> Iterator[None]:
    """Have `on_run` told kernel, arguments, grid and named arguments of launches in the block; they do not happen."""
    original = JITFunction.run

    def run(kernel: JITFunction, *args: Any, grid: Any, warmup: bool, **named: Any) -> None:
        on_run(kernel, args, grid, named)

    JITFunction.run = run
    try:
        yield
    finally:
        JITFunction.run = original


def told_by_compiler(error: BaseException) -> tuple[str, int | None]:
    """Return the reason that Triton's compiler gives, and the line of the kernel, counted from its `def` as 1."""
    line = error.node.lineno if isinstance(error, CompilationError) and hasattr(error.node, "lineno") else None
    reason: BaseException = error
    while (cause := reason.__cause__ or reason.__context__) is not None:
        reason = cause
    text = str(reason.error_message if isinstance(reason, CompilationError) else reason).strip()
    return text or type(reason).__name__, line


def refused_by_compiler(error: BaseException) -> str | None:
    """Return what Triton's compiler says of a kernel that it refuses; None where the error is another."""
    if not isinstance(error, CompilationError | OutOfResources | PTXASError):
        return None
    reason, line = told_by_compiler(error)
    return reason if line is None else f"{reason} (line {line} of the kernel)"


@cache
def place_of(function: Any) -> tuple[str, int]:
    """Return the file of a kernel's Python function, and the line of its `def`."""
    return get_jit_fn_file_line(JITFunction(function))


# The interpreter's values


def constants_of(function: Any, names: Sequence[str]) -> list[str]:
    """Return the names of a kernel's compile-time constants."""
    return interpreter.GridExecutor(function, names, None).constexprs


def type_of(value: Any) -> Any:
    """Return the type that an argument of a launch, a number or a tensor, has in the kernel."""
    return tl.str_to_ty(mangle_type(value), None)


def tensor_of(value: Any) -> torch.Tensor:
    """Return the tensor of an argument, which `triton.reinterpret` may have wrapped."""
    return value.base if isinstance(value, TensorWrapper) else value


def round_to_tf32(data: Any) -> Any:
    """Return fp32 lanes rounded to tf32; versions of Triton that never ask for it lack the function."""
    return interpreter._round_f32_to_tf32(data)


def interpreter_parts() -> tuple[Any, Any]:
    """Return the interpreter's one builder and one semantic."""
    return interpreter.interpreter_builder, interpreter.interpreter_semantic


# The interpreter's language


class _Patch(NamedTuple):
    owner: Any
    name: str
    value: Any


class Language:
    """What stands in for parts of Triton's language on the interpreter. Working it out takes as long as a launch.

    Args:
        builder: class that the interpreter's builder gets.
        semantic: class that its semantic gets.
        handle: stands in for `TensorHandle`.
        numpy_dtype: stands in for `numpy_dtype_of`.
        functions: of `triton.language`, by name.
        tensor: attributes of `tl.tensor`, by name.
        with_element_ty: that of `tl.block_type`.
        to_ir: that of all types.
    """

    def __init__(
        self,
        *,
        builder: type,
        semantic: type,
        handle: type,
        numpy_dtype: Callable[[Any], Any],
        functions: Mapping[str, Callable[..., Any]],
        tensor: Mapping[str, Any],
        with_element_ty: Callable[..., Any],
        to_ir: Callable[..., Any],
    ) -> None:
        self._classes = builder, semantic
        self._patches: dict[tuple[int, str], _Patch] = {}
        for lang in (tl, tl.core):
            for owner in (lang, lang.tensor, tl.math):
                self._with_semantic(owner)
            interpreter._patch_lang_tensor(lang.tensor, self)
            interpreter._patch_lang_core(lang, self)
            for name, function in functions.items():
                self.set_attr(lang, name, function)
        self._with_semantic(tl.core.tensor_descriptor_base)
        for name, value in tensor.items():
            self.set_attr(tl.tensor, name, value)
        self.set_attr(tl.block_type, "with_element_ty", with_element_ty)
        for type_ in (tl.dtype, tl.block_type, tl.pointer_type):
            self.set_attr(type_, "to_ir", to_ir)
        self.set_attr(interpreter, "TensorHandle", handle)
        self.set_attr(interpreter, "_get_np_dtype", numpy_dtype)
        # The language is patched already when a device function is called.
        self.set_attr(
            InterpretedFunction, "__call__", lambda function, *args, **kwargs: function.rewrite()(*args, **kwargs)
        )

    def set_attr(self, owner: Any, name: str, value: Any) -> None:
        """Note what is to be set. The interpreter's own patches come here, too: this stands in for its patch scope."""
        self._patches[id(owner), name] = _Patch(owner, name, value)

    def _with_semantic(self, owner: Any) -> None:
        for name in dir(owner):
            member: Any = getattr(owner, name, None)
            # The plain interpreter leaves its own wrappers behind after a call of a device function.
            while "member" in (getattr(member, "__kwdefaults__", None) or {}):
                member = member.__kwdefaults__["member"]
            if callable(member) and tl.core.is_builtin(member):
                self.set_attr(owner, name, _called_with_semantic(member))

    @contextmanager
    def spoken(self) -> Iterator[Any]:
        """Have kernels use it inside the block, which gets the builder; everything is undone after it."""
        builder, semantic = interpreter_parts()
        plain = builder.__class__, semantic.__class__
        undo: list[_Patch] = []
        builder.__class__, semantic.__class__ = self._classes
        try:
            for owner, name, value in self._patches.values():
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


def _called_with_semantic(member: Any) -> Callable[..., Any]:
    _, semantic = interpreter_parts()
    # Past the decorator that only checks that there is a semantic.
    is_plain = getattr(member, "__code__", None) is _BUILTIN_CODE
    inner = member.__wrapped__ if is_plain else member

    def call(*args: Any, **kwargs: Any) -> Any:
        kwargs["_semantic"] = semantic
        return inner(*args, **kwargs)

    return call


def read_own_files() -> None:
    """Have Triton read its own files, of which each process that compiles needs the hash."""
    from triton.runtime import cache

    if (key := getattr(cache, "triton_key", None)) is not None:
        key()
