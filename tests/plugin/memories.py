"""Which memory the arguments and results of an examination live in."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from tests.calls.errors import Foreseen

if TYPE_CHECKING:
    from tests.calls.memory import Memory

_FENCES = {"fences": ("fence-before", "fence-after")}
"""Names of `tests.instruments.fenced_memory.Fence` that a choice stands for, where it is not one itself."""


class MemoryUnavailable(Foreseen):
    """The memory that the user asked for cannot be had here."""


def resolve(choice: str, device: str) -> str:
    """Return what `auto` stands for on a device, other choices as they are.

    On a GPU it is both fences, on the CPU red zones: there the interpreter checks addresses.
    """
    if choice == "auto":
        return "fences" if device == "cuda" else "red-zones"
    return choice


def require(choice: str, device: str) -> None:
    """Check that a memory can be had. There is no falling back to one that sees less.

    Args:
        choice: one of `tests.examine.selection.MEMORIES`.
        device: `cpu` or `cuda`.

    Raises:
        MemoryUnavailable: with what is missing.
    """
    choice = resolve(choice, device)
    if choice == "red-zones":
        return
    if device == "cpu":
        raise MemoryUnavailable(f"--memory {choice}: fenced memory needs a GPU, and kernels run on the CPU")
    from tests.instruments.fenced_memory.cuda import FencesUnavailable, require_fences

    try:
        require_fences()
    except FencesUnavailable as error:
        raise MemoryUnavailable(f"--memory {choice}: {error}; or choose --memory red-zones, which sees less") from error


def memories(choice: str, device: str) -> "list[Callable[[], Memory]]":
    """Return what makes the memory of each pass over a case. See `require` for arguments and errors."""
    require(choice, device)
    choice = resolve(choice, device)
    if choice == "red-zones":
        from tests.instruments.red_zones import RedZonedMemory

        return [RedZonedMemory]
    from tests.instruments.fenced_memory import Fence
    from tests.instruments.fenced_memory.cuda import fenced_memory

    return [partial(fenced_memory, Fence(name)) for name in _FENCES.get(choice, (choice,))]
