"""What Triton would compile for the launches of a call, learnt on the interpreter and without a GPU.

Triton's own launch path decides: a launch that the interpreter is asked for goes through `JITFunction.run` for a GPU
that is not there, up to the hook that Triton calls before it compiles, which ends it.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.instruments.absent_h100 import AbsentGpu
from tests.instruments.cost.compiling import TARGETS
from tests.instruments.cost.variants import Variant
from tests.instruments.triton_seams import InterpretedLaunch, before_compiling, interpreted_launches, specialise

_TARGETS = {TARGETS[name].backend: TARGETS[name] for name in ("sm_90", "gfx942")}
"""By backend: launches are specialised alike for all of NVIDIA's GPUs."""


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


def variant_of(launch: InterpretedLaunch, backend: str) -> Variant:
    """Return what Triton would compile for a launch.

    Args:
        launch: with tensors on the CPU among its arguments.
        backend: `cuda` or `hip`.

    Raises:
        CannotSpecialise: Triton refuses the launch.
    """
    function = launch.kernel.fn
    try:
        compiled = specialise(launch, AbsentGpu(_TARGETS[backend]), backend)
    except Exception as error:
        raise CannotSpecialise(f"{function.__qualname__} for {backend}: {type(error).__name__}: {error}") from error
    return _variant(function, compiled, backend, launch.options)


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

    def note(function: Any, compiled: dict[str, Any]) -> bool:
        variants.append(_variant(function, compiled, "cuda", {}))
        return False

    with before_compiling(note):
        yield variants


@contextmanager
def recorded_launches(*, backends: tuple[str, ...] = ("cuda",), execute: bool = True) -> Iterator[list[Launch]]:
    """Collect the launches inside the block, with what Triton would compile for each.

    Args:
        backends: of `cuda` and `hip`; a launch that none of them takes raises `CannotSpecialise`.
        execute: whether the interpreter runs the launches, too. If not, results hold nothing in particular.
    """
    launches: list[Launch] = []

    def on_launch(asked: InterpretedLaunch, run: Callable[[], None]) -> None:
        launches.append(Launch(asked.axes(), *_variants_of(asked, backends)))
        if execute:
            run()

    with interpreted_launches(on_launch):
        yield launches


def _variants_of(asked: InterpretedLaunch, backends: tuple[str, ...]) -> tuple[tuple[Variant, ...], tuple[str, ...]]:
    variants: list[Variant] = []
    refusals: list[CannotSpecialise] = []
    for backend in backends:
        try:
            variants.append(variant_of(asked, backend))
        except CannotSpecialise as error:
            refusals.append(error)
    if not variants:
        raise refusals[0]
    return tuple(variants), tuple(map(str, refusals))
