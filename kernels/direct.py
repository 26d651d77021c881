"""Launches of compiled Triton code, without what Triton's own launches decide anew every time."""

import copy
from collections.abc import Callable
from typing import Any

import torch

Launcher = Callable[[tuple[int, int, int], int, tuple[int, ...], tuple[Any, ...]], None]
"""Launches on a grid and a stream, given the addresses that are the first arguments and the arguments behind them. It
calls nobody's hooks."""


def launchers_of(compiled: Any) -> tuple[Launcher | None, Launcher | None]:
    """Return what launches a `CompiledKernel`, and if it may start early, what lets it. None where Triton hides it.

    To start early, the kernel ahead has to give leave. Behind one that does not, or outside of a graph, where the GPU
    waits for the host, it gains nothing, and costs the GPU 0.5 us or the host 3 us.
    """
    run, function, packed = (getattr(compiled, field, None) for field in ("run", "function", "packed_metadata"))
    if torch.version.hip is not None or run is None or function is None or packed is None:
        return None, None
    if not getattr(run, "launch_pdl", False):
        return _launcher(run, function, packed), None
    eager = copy.copy(run)
    eager.launch_pdl = False
    return _launcher(eager, function, packed), _launcher(run, function, packed)


def _launcher(run: Any, function: Any, packed: Any) -> Launcher:
    """Return what launches a function through Triton's launcher in C, or through `run` if C's arguments are not known.

    `run` completes the arguments of every launch with others that are the same each time, in an order that has changed
    between Triton's versions. A copy of it shows where they go.
    """
    packs = (function, packed, None, None, None)

    def through_run(grid: Any, stream: int, pointers: tuple[int, ...], others: tuple[Any, ...]) -> None:
        run(*grid, stream, *packs, *pointers, *others)

    if getattr(run, "global_scratch_size", 1) or getattr(run, "profile_scratch_size", 1):
        return through_run  # which allocates memory for the launch
    of_launch = tuple(object() for _ in range(4))
    of_kernel = tuple(object() for _ in range(2))
    seen: list[tuple[Any, ...]] = []
    probe = copy.copy(run)
    probe.launch = lambda *arguments: seen.append(arguments)
    try:
        probe(*of_launch, *packs, *of_kernel)
    except (AttributeError, TypeError, ValueError):
        return through_run  # a launcher that computes with what it is given
    if len(seen) != 1 or seen[0][:5] != (*of_launch, function):
        return through_run
    launch = run.launch
    if seen[0][-1:] == (of_kernel,):
        constant = (function, *seen[0][5:-1])
        return lambda grid, stream, pointers, others: launch(*grid, stream, *constant, pointers + others)
    if seen[0][-2:] == of_kernel:
        constant = (function, *seen[0][5:-2])
        return lambda grid, stream, pointers, others: launch(*grid, stream, *constant, *pointers, *others)
    return through_run
