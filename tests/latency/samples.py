"""What was measured: the data that the clock hands to the decision, and that history and reports keep.

A *cell* is one function on one workload. A *draw* is one placement of its memory: allocations, page permutations and
the order of the sides are drawn anew for each, because where buffers lie moves a small kernel by more than what is
looked for. Within a draw, two sides are replayed in turn.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Metric = Literal["device", "in place", "host"]
"""Seconds a call takes on the GPU, in a CUDA graph of calls; that it and a reader of its results take there behind a
kernel that floods the L2; or of the host, to make the call."""
IN_PLACE = ("1x4k", "1x160k", "32x4k", "128-skewed-ones", "1x1m")
"""Workloads that are gated in place, too, with the widest function."""
HOST_WORKLOAD = "1x128"
"""So small that the GPU is never what the host waits for."""


@dataclass(frozen=True)
class Draw:
    """Seconds a call, of both sides in the same memory, in the order of measurement."""

    base: tuple[float, ...]
    head: tuple[float, ...]


@dataclass(frozen=True)
class Cell:
    """One function on one workload, in one metric."""

    workload: str
    function: str
    metric: Metric = "device"

    @property
    def id(self) -> str:
        """Name in reports: `workload/function`, and the metric unless it is the device's."""
        return f"{self.workload}/{self.column}"

    @property
    def column(self) -> str:
        """The function, and the metric unless it is the device's."""
        return self.function if self.metric == "device" else f"{self.function} ({self.metric})"


@dataclass(frozen=True)
class CellSamples:
    """All draws of a cell, and what its controls did in the same draws."""

    cell: Cell
    draws: tuple[Draw, ...] = ()
    controls: dict[str, tuple[Draw, ...]] = field(default_factory=dict)
    """By name, such as `copy`, `twin` and `empty`: the two sides of a control are the same code."""

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return the samples that a JSON object means."""

        def draws(rows: list[dict[str, list[float]]]) -> tuple[Draw, ...]:
            return tuple(Draw(tuple(row["base"]), tuple(row["head"])) for row in rows)

        return cls(
            Cell(**content["cell"]),
            draws(content["draws"]),
            {name: draws(rows) for name, rows in content["controls"].items()},
        )


def cells_of(gated: Sequence[str], main: Collection[str], functions: Collection[str]) -> list[Cell]:
    """Return the cells of a run, device time first, the host's last.

    Args:
        gated: names of all workloads.
        main: names of those on which each function is measured; elsewhere the widest one stands for all.
        functions: what both sides have, of `get_k_and_s`, `get_k` and `get_s`.
    """
    ordered = [name for name in ("get_k_and_s", "get_k", "get_s") if name in functions]
    device = [Cell(name, function) for name in gated for function in (ordered if name in main else ordered[:1])]
    in_place = [Cell(name, function, "in place") for name in gated if name in IN_PLACE for function in ordered[:1]]
    return device + in_place + [Cell(HOST_WORKLOAD, function, "host") for function in ordered]
