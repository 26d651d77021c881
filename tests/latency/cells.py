"""Which cells the latency gate measures. Data; the workloads themselves are in `tests/cases/latency_workloads.py`."""

from collections.abc import Collection, Sequence

from tests.latency.samples import Cell

HOST_WORKLOAD = "1x128"
"""So small that the GPU is never what the host waits for."""


def cells_of(gated: Sequence[str], main: Collection[str], functions: Collection[str]) -> list[Cell]:
    """Return the cells of a run, device time first.

    Args:
        gated: names of all workloads.
        main: names of those on which each function is measured; elsewhere the widest one stands for all.
        functions: what both sides have, of `get_k_and_s`, `get_k` and `get_s`.
    """
    ordered = [name for name in ("get_k_and_s", "get_k", "get_s") if name in functions]
    device = [Cell(name, function) for name in gated for function in (ordered if name in main else ordered[:1])]
    return device + [Cell(HOST_WORKLOAD, function, "host") for function in ordered]
