"""On which GPU this process measures: of those that it sees, the first that is idle and well."""

from dataclasses import dataclass

from tests.calls.errors import Foreseen
from tests.latency.condition import why_sick
from tests.latency.machine import GpuAbsent, NotTold, current_uuid, require_idle


@dataclass(frozen=True)
class GpuTaken:
    """The GPU that is measured on from now on, torch's current one."""

    uuid: str
    name: str
    """For people: torch's number and the model."""
    left_out: tuple[str, ...]
    """Why others were not taken, in words."""
    unchecked: tuple[str, ...]
    """What could not be checked of it, in words."""


def take_gpu(only: str | None = None) -> GpuTaken:
    """Make a GPU that is idle and well torch's current one, and return it.

    Args:
        only: UUID of the one that is to be taken; any unless given.

    Raises:
        GpuAbsent: torch sees no GPU, or not that one.
        Foreseen: each is busy or sick; says which is what.
    """
    import torch

    current_uuid()  # tells what is wrong where there is none
    left_out: list[str] = []
    for index in range(torch.cuda.device_count()):
        torch.cuda.set_device(index)
        uuid, name = current_uuid(), f"GPU {index} ({torch.cuda.get_device_properties(index).name})"
        if only not in (None, uuid):
            continue
        try:
            unchecked = require_idle()
            if sickness := _sickness(uuid, unchecked):
                raise Foreseen(f"{name} is sick: {sickness}; measure on another")
        except Foreseen as error:
            left_out.append(str(error))
        else:
            return GpuTaken(uuid, name, tuple(left_out), tuple(unchecked))
    if not left_out:
        raise GpuAbsent(f"the GPU {only} is not visible to this process")
    raise Foreseen("; ".join(left_out))


def _sickness(uuid: str, unchecked: list[str]) -> str | None:
    try:
        return why_sick(uuid)
    except NotTold as error:
        unchecked.append(f"whether the GPU is sick: {error}")
        return None
