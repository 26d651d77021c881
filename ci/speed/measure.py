"""What is measured of a workload, and in which order.

A run draws the memory of a workload anew, and the order of the sides; within it they are replayed in turn, there and
back. All sides of a run share one placement.
"""

import random
from collections.abc import Sequence
from statistics import median
from typing import Any

from ci.speed.figures import ALLOCATION, COPY, EMPTY
from tests.cases.case import Case

HOST_BATCHES = 12
"""Of each side in a run."""
HOST_CALLS = 3
"""Calls of a side that waits for the device, in a run: it may launch thousands of kernels."""


def on_host(clocks: Any, case: Case, implementations: Sequence[str], runs: int) -> dict[str, dict[str, Any]]:
    """Return what is known of all sides on a workload before the GPU is timed: `figures.Timed` as JSON objects.

    Args:
        clocks: `ci.speed.clocks.GpuClocks`, or what stands for it in a test.
        case: the workload.
        implementations: names of those that `clocks` times.
        runs: how many.
    """
    sides: dict[str, dict[str, Any]] = {
        name: {"host": [], "cold": [], "warm": [], "launches": None, "is_eager": False}
        for name in (COPY, EMPTY, ALLOCATION, *implementations)
    }
    for run in range(runs):
        rng = random.Random(f"{case.name} {run} host")
        clocks.place(case, run)
        if run == 0:
            clocks.require_same_rows(case.name)
            for name in (COPY, *implementations):
                sides[name]["launches"], sides[name]["is_eager"] = clocks.launches(name)
        going_on = [name for name in sides if not sides[name]["is_eager"]]
        for name, each in clocks.host_seconds(rng.sample(going_on, len(going_on)), HOST_BATCHES).items():
            sides[name]["host"].append(median(each))
        for name in sides:
            if sides[name]["is_eager"]:
                sides[name]["host"].append(median(clocks.waiting_seconds(name, HOST_CALLS)))
    return sides


def on_device(
    clocks: Any, case: Case, sides: dict[str, dict[str, Any]], runs: int, *, is_stated: bool
) -> dict[str, Any]:
    """Return what all sides took on a workload, as the JSON object of a `figures.Workload`.

    Args:
        clocks: as for `on_host`.
        case: the workload.
        sides: what `on_host` returned; gets the seconds of the GPU.
        runs: how many.
        is_stated: whether the workload is one that geometric means are over.
    """
    timed = [name for name, side in sides.items() if side["launches"] is not None]
    needed_bytes = 0
    for run in range(runs):
        rng = random.Random(f"{case.name} {run}")
        clocks.place(case, run)
        needed_bytes = clocks.needed_bytes
        captured = [name for name in timed if not sides[name]["is_eager"]]
        for kind in ("cold", "warm"):
            order = rng.sample(captured, len(captured))
            for name, seconds in clocks.replays(order, is_warm=kind == "warm").items():
                sides[name][kind].append(median(seconds))
            for name in timed:
                if sides[name]["is_eager"]:
                    sides[name][kind].append(clocks.kernel_seconds(name, is_warm=kind == "warm"))
    return {"name": case.name, "needed_bytes": needed_bytes, "is_stated": is_stated, "sides": sides}
