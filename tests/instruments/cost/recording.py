"""What Triton would compile for the launches of a call, learnt on the interpreter and without a GPU.

Triton's own launch path decides: a launch that the interpreter is asked for goes through `JITFunction.run` for a GPU
that is not there, up to the hook that Triton calls before it compiles, which ends it.
"""

import inspect
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch.utils._python_dispatch import _disable_current_modes
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.interpreter import InterpretedFunction
from triton.runtime.jit import JITFunction

from tests.instruments.cost.variants import Variant

CUDA = GPUTarget("cuda", 90, 32)
"""Launches are specialised alike for all of NVIDIA's GPUs."""
HIP = GPUTarget("hip", "gfx942", 64)
TARGETS = {target.backend: target for target in (CUDA, HIP)}


@dataclass(frozen=True)
class Launch:
    """A launch as it was asked for."""

    grid: tuple[int, ...]
    variants: tuple[Variant, ...]
    """What Triton would compile for it, one a backend that takes it."""
    refusals: tuple[str, ...] = ()
    """Why the other backends do not take it: they lack an option, for instance."""

    @property
    def programs(self) -> int:
        """Programs of the grid."""
        return math.prod(self.grid)


class CannotSpecialise(Exception):
    """Triton does not take a launch that the interpreter takes."""


class _AbsentGpu:
    """As much of a Triton driver as a launch asks for before it compiles."""

    def __init__(self, target: GPUTarget) -> None:
        self._target = target

    def get_current_target(self) -> GPUTarget:
        return self._target

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0


_jit_functions: dict[tuple[Any, str], JITFunction] = {}


def variant_of(kernel: InterpretedFunction, args: tuple[Any, ...], kwargs: dict[str, Any], backend: str) -> Variant:
    """Return what Triton would compile for a launch of `kernel` with these arguments.

    Args:
        kernel: as `triton.jit` makes it for the interpreter.
        args: positional arguments of the launch, tensors on the CPU among them.
        kwargs: named ones, options such as `num_warps` included; without `grid` and `warmup`.
        backend: `cuda` or `hip`.

    Raises:
        CannotSpecialise: Triton refuses the launch.
    """
    function = _jit_functions.get((kernel.fn, backend))
    if function is None:
        function = _jit_functions[kernel.fn, backend] = JITFunction(kernel.fn, **kernel.kwargs)
    told: list[dict[str, Any]] = []

    def before_compiling(*, compile: dict[str, Any], **_: Any) -> bool:
        told.append(compile)
        return True  # Triton then takes it for compiled elsewhere, and launches nothing.

    # There is no public way to ask for the driver without making one, which needs a GPU.
    before, hook = driver._active, triton.knobs.runtime.jit_cache_hook
    driver.set_active(_AbsentGpu(TARGETS[backend]))
    triton.knobs.runtime.jit_cache_hook = before_compiling
    try:
        function.run(*args, grid=(1,), warmup=True, **kwargs)
    except Exception as error:
        raise CannotSpecialise(f"{kernel.fn.__qualname__} for {backend}: {type(error).__name__}: {error}") from error
    finally:
        driver.set_active(before)
        triton.knobs.runtime.jit_cache_hook = hook
    (compiled,) = told
    options = {name: value for name, value in kwargs.items() if name not in kernel.arg_names}
    return _variant(kernel.fn, compiled, backend, options)


def _variant(function: Any, compiled: dict[str, Any], backend: str, options: dict[str, Any]) -> Variant:
    return Variant(
        module=function.__module__,
        name=function.__qualname__,
        key=compiled["key"],
        backend=backend,
        signature=compiled["signature"],
        constants=compiled["constants"],
        attributes=compiled["configs"][0],
        options=options,
    )


@contextmanager
def compiled_variants() -> Iterator[list[Variant]]:
    """Collect what Triton compiles for the GPU inside the block, but for what it compiled earlier in the process."""
    variants: list[Variant] = []
    hook = triton.knobs.runtime.jit_cache_hook

    def before_compiling(*, fn: Any, compile: dict[str, Any], **more: Any) -> Any:
        variants.append(_variant(fn.jit_function.fn, compile, "cuda", {}))
        return hook(fn=fn, compile=compile, **more) if hook is not None else None

    triton.knobs.runtime.jit_cache_hook = before_compiling
    try:
        yield variants
    finally:
        triton.knobs.runtime.jit_cache_hook = hook


@contextmanager
def recorded_launches(*, backends: tuple[str, ...] = ("cuda",), execute: bool = True) -> Iterator[list[Launch]]:
    """Collect the launches inside the block, with what Triton would compile for each.

    Args:
        backends: of `cuda` and `hip`; a launch that none of them takes raises `CannotSpecialise`.
        execute: whether the interpreter runs the launches, too. If not, results hold nothing in particular.
    """
    launches: list[Launch] = []
    interpreted = InterpretedFunction.run

    def run(kernel: InterpretedFunction, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> Any:
        if not warmup:
            # What is asked of tensors here is no doing of the implementation.
            with _disable_current_modes(), torch._C.DisableTorchFunction():
                variants, refusals = _variants_of(kernel, args, kwargs, backends)
            launches.append(Launch(_axes(kernel, grid, args, kwargs), variants, refusals))
            if not execute:
                return None
        return interpreted(kernel, *args, grid=grid, warmup=warmup, **kwargs)

    InterpretedFunction.run = run
    try:
        yield launches
    finally:
        InterpretedFunction.run = interpreted


def _variants_of(
    kernel: InterpretedFunction, args: tuple[Any, ...], kwargs: dict[str, Any], backends: tuple[str, ...]
) -> tuple[tuple[Variant, ...], tuple[str, ...]]:
    variants: list[Variant] = []
    refusals: list[CannotSpecialise] = []
    for backend in backends:
        try:
            variants.append(variant_of(kernel, args, kwargs, backend))
        except CannotSpecialise as error:
            refusals.append(error)
    if not variants:
        raise refusals[0]
    return tuple(variants), tuple(map(str, refusals))


def _axes(kernel: InterpretedFunction, grid: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, ...]:
    if callable(grid):
        named = {name: value for name, value in kwargs.items() if name in kernel.arg_names}
        grid = grid(inspect.getcallargs(kernel.fn, *args, **named))
    return tuple(int(axis) for axis in grid)
