"""Whether base and head launch identical machine code in identical launches: then device time cannot differ.

Pure: two records are compared; `observed.py` makes them. Compared are the launches in their order: machine code (see
`cubin.py`), grid, what the driver is told besides, arguments, and how a CUDA graph orders them. It says nothing of host
time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.instruments.launches.cubin import MachineCode
from tests.instruments.launches.cubin import differences as code_differences


@dataclass(frozen=True)
class LaunchRecord:
    """One launch of a Triton kernel, as the driver gets it."""

    kernel: str
    """The kernel's name, for the reader; a renamed kernel runs alike."""
    grid: tuple[int, int, int]
    settings: Mapping[str, Any]
    """What the driver is told besides, such as `num_warps` and `shared` (bytes)."""
    code: MachineCode
    arguments: tuple[tuple[str, str], ...]
    """Name and value of each argument that is not compiled in. Addresses are told by what lies there: `buf + 0`."""


@dataclass(frozen=True)
class CallRecord:
    """Everything that one call puts on the GPU."""

    launches: tuple[LaunchRecord, ...]
    nodes: Mapping[str, int] | None = None
    """Nodes by type (`kernel`, `copy`, `fill`, ...) of a CUDA graph of the call, or None if it was not captured."""
    early_starts: int = 0
    """Launches that may start before the kernel ahead has ended, in a CUDA graph of a fill and two such calls."""


@dataclass(frozen=True)
class Identity:
    """Whether two sides put the same work on the GPU."""

    differences: tuple[str, ...] = ()
    """In words, base first, what differs or why nothing can be said; empty if identical."""

    @property
    def is_identical(self) -> bool:
        """Whether nothing differs, so that device time cannot."""
        return not self.differences

    def __str__(self) -> str:
        return "; ".join(self.differences) or "identical machine code and launch"


def compare(base: CallRecord, head: CallRecord) -> Identity:
    """Return whether two calls put the same work on the GPU."""
    unsure = [f"{side}: {reason}" for side, record in (("base", base), ("head", head)) if (reason := _unsure(record))]
    if unsure:
        return Identity(tuple(unsure))
    counts = len(base.launches), len(head.launches)
    told = [] if counts[0] == counts[1] else [f"launches {counts[0]} -> {counts[1]}"]
    for number, (before, after) in enumerate(zip(base.launches, head.launches, strict=False), start=1):
        where = f"launch {number}: " if max(counts) > 1 else ""
        told += [where + difference for difference in _launch_differences(before, after)]
    if base.early_starts != head.early_starts:
        told.append(f"early starts in a graph of two calls {base.early_starts} -> {head.early_starts}")
    return Identity(tuple(told))


def _unsure(record: CallRecord) -> str | None:
    """Return why a record may not hold all that the call put on the GPU, or None if it does."""
    if record.nodes is None:
        return None if record.launches else "no launch was seen"
    besides = {kind: count for kind, count in record.nodes.items() if kind != "kernel" and count}
    kernels = record.nodes.get("kernel", 0)
    if not besides and kernels == len(record.launches):
        return None
    told = ", ".join(f"{count} x {kind}" for kind, count in {"kernel": kernels, **besides}.items())
    return f"the call is {told}, of which {len(record.launches)} x launch of a Triton kernel were seen"


def _launch_differences(base: LaunchRecord, head: LaunchRecord) -> list[str]:
    told = code_differences(base.code, head.code)
    if base.grid != head.grid:
        told.append(f"grid {base.grid} -> {head.grid}")
    for name in sorted(base.settings.keys() | head.settings.keys()):
        before, after = base.settings.get(name), head.settings.get(name)
        if before != after:
            told.append(f"{name} {before} -> {after}")
    if len(base.arguments) != len(head.arguments):
        told.append(f"arguments {len(base.arguments)} -> {len(head.arguments)}")
    # By place, as the driver gets them: parameters may have got new names.
    for (_, before), (name, after) in zip(base.arguments, head.arguments, strict=False):
        if before != after:
            told.append(f"argument {name}: {before} -> {after}")
    return told
