"""Triton's interpreter without its largest cost: patching `triton.language` anew for each device function it calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import triton.language as tl
from triton.runtime import interpreter


class _NothingToRestore:
    def restore(self) -> None:
        """Leave the patches in place; they go when the block ends."""


@contextmanager
def language_patched_once() -> Iterator[None]:
    """Patch each language module once for all kernels that are interpreted inside the block.

    The interpreter scans and patches the whole module at every call of `tl.sum`, `tl.cdiv` and the like, although it
    then finds everything patched: two thirds of its time on a small kernel.
    """
    original = interpreter._patch_lang
    patches: dict[tuple[int, ...], Any] = {}
    modules_of: dict[Any, tuple[int, ...]] = {}

    def patch(function: Any) -> _NothingToRestore:
        modules = modules_of.get(function)
        if modules is None:
            seen = function.__globals__.values()
            modules = tuple(id(module) for module in (tl, tl.core) if any(value is module for value in seen))
            modules_of[function] = modules
        if modules not in patches:
            patches[modules] = original(function)
        return _NothingToRestore()

    interpreter._patch_lang = patch
    try:
        yield
    finally:
        interpreter._patch_lang = original
        for scope in reversed(patches.values()):
            scope.restore()
