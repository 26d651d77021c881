"""The process that measures: `python -m ci.speed.measure` reads an order, and prints messages, a line of JSON each.

A run draws the memory of a workload anew, and the order of the sides; within it they are replayed in turn, there and
back. All sides of a run share one placement.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

MARK = "speed: "
"""Begins each line that is a message; whatever else is printed is not."""
ROUNDS = 6
"""Replays of each side in a run."""
HOST_BATCHES = 12
"""Of each side in a run."""
HOST_CALLS = 3
"""Calls of a side that waits for the device, in a run: it may launch thousands of kernels."""


@dataclass(frozen=True)
class Order:
    """What is to be measured."""

    implementations: tuple[str, ...]
    """As on the command line; the first is the one that the others' rows are compared with."""
    optional: tuple[str, ...]
    """Those that are left out where they are not installed."""
    runs: int


class WrongRows(Exception):
    """An implementation gathers other rows; the text is a sentence for the user."""


class NotTimed(Exception):
    """A side's time cannot be told; the text is a sentence for the user."""


Function = Callable[..., Any]


def tell(**message: Any) -> None:
    """Print a message."""
    print(MARK + json.dumps(message), flush=True)


def main(order: Order) -> None:
    """Measure what an order asks for, and tell it."""
    from ci.speed.clocks import GpuClocks
    from tests.cases.latency_workloads import FURTHER, STATED
    from tests.instruments.device_clock.kept_lines import unreleased
    from tests.latency.machine import require_idle, this_machine

    unchecked = [*require_idle(), *unreleased()]
    tell(step="loading", done=0, of=1)
    functions, left_out = load(order)
    tell(machine=this_machine().as_json(), unchecked=unchecked, left_out=left_out)
    cases = [*STATED, *FURTHER]
    clocks = GpuClocks(functions)
    # The host's time first: CUPTI stays with a process that used it, and is to be no part of what the host does.
    of_host = []
    for number, case in enumerate(cases):
        tell(step=f"{case.name}, host", done=number, of=2 * len(cases))
        of_host.append(on_host(clocks, case, list(functions), order.runs))
    for number, (case, sides) in enumerate(zip(cases, of_host, strict=True)):
        tell(step=case.name, done=len(cases) + number, of=2 * len(cases))
        tell(workload=measured(clocks, case, sides, order.runs, is_stated=case in STATED))
    tell(end=True)


def load(order: Order) -> tuple[dict[str, Function], dict[str, str]]:
    """Return `get_k_and_s` of each implementation, and why others are left out.

    Raises:
        NoImplementation: one that is not optional is not there, or has no `get_k_and_s`.
    """
    from tests.calls.implementations import NoImplementation, load_implementation

    functions, left_out = {}, {}
    for name in order.implementations:
        try:
            found = load_implementation(name).functions
            if "get_k_and_s" not in found:
                raise NoImplementation(f"--impl {name}: it has no get_k_and_s, whose speed is measured")
            functions[name] = found["get_k_and_s"]
        except NoImplementation as error:
            if name not in order.optional:
                raise
            left_out[name] = str(error)
    return functions, left_out


def on_host(clocks: Any, case: Any, implementations: Sequence[str], runs: int) -> dict[str, dict[str, Any]]:
    """Return what is known of all sides on a workload before the GPU is timed: `figures.Timed` as JSON objects.

    Args:
        clocks: `ci.speed.clocks.GpuClocks`, or what stands for it in a test.
        case: the workload.
        implementations: names of those that `clocks` times.
        runs: how many.
    """
    from ci.speed.figures import ALLOCATION, COPY, EMPTY

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


def measured(clocks: Any, case: Any, sides: dict[str, dict[str, Any]], runs: int, *, is_stated: bool) -> dict[str, Any]:
    """Return what all sides took on a workload, as the JSON object of a `figures.Workload`.

    Args:
        clocks: as for `on_host`.
        case: the workload.
        sides: what `on_host` returned; gets the seconds of the GPU.
        runs: how many.
        is_stated: whether the workload is one that geometric means are over.
    """
    on_device = [name for name, timed in sides.items() if timed["launches"] is not None]
    needed_bytes = 0
    for run in range(runs):
        rng = random.Random(f"{case.name} {run}")
        clocks.place(case, run)
        needed_bytes = clocks.needed_bytes
        captured = [name for name in on_device if not sides[name]["is_eager"]]
        for kind in ("cold", "warm"):
            order = rng.sample(captured, len(captured))
            for name, seconds in median_of(clocks.rounds(order, kind == "warm", turns(order, ROUNDS))).items():
                sides[name][kind].append(seconds)
            for name in on_device:
                if sides[name]["is_eager"]:
                    sides[name][kind].append(clocks.kernel_seconds(name, is_warm=kind == "warm"))
    return {"name": case.name, "needed_bytes": needed_bytes, "is_stated": is_stated, "sides": sides}


def turns(order: Sequence[str], rounds: int) -> Iterator[list[str]]:
    """Return the order of each round: every second one is reversed, so that what drifts hits all sides alike."""
    for number in range(rounds):
        yield list(order if number % 2 == 0 else reversed(order))


def median_of(told: Iterator[tuple[str, float]]) -> Mapping[str, float]:
    """Return each side's median of the seconds that were told of it."""
    seconds: dict[str, list[float]] = {}
    for name, each in told:
        seconds.setdefault(name, []).append(each)
    return {name: median(each) for name, each in seconds.items()}


def timed_calls(call: Callable[[], Any], calls: int, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Return the seconds that each of some calls keeps the host."""
    seconds = []
    for _ in range(calls):
        start = clock()
        call()
        seconds.append(clock() - start)
    return seconds


def order_text(order: Order) -> str:
    """Return an order as the process takes it."""
    return json.dumps(asdict(order))


if __name__ == "__main__":
    sys.path.append(os.getcwd())
    asked = json.loads(sys.stdin.readline())
    try:
        main(Order(tuple(asked["implementations"]), tuple(asked["optional"]), asked["runs"]))
    except Exception as error:
        tell(error=(str(error) or "no reason given").splitlines()[0], kind=type(error).__name__)
        raise
