"""The process that measures: `python -m ci.speed.child` takes an order, and tells what it measured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ci.processes import serve, tell


@dataclass(frozen=True)
class Order:
    """What is to be measured."""

    implementations: list[str]
    """As on the command line; the first is the one that the others' rows are compared with."""
    optional: list[str]
    """Those that are left out where they are not installed."""
    runs: int


def measure(order: dict[str, Any]) -> None:
    """Measure what an order, as a JSON object, asks for, and tell it."""
    from ci.speed.clocks import GpuClocks
    from ci.speed.measure import on_device, on_host
    from tests.cases.latency_workloads import FURTHER, STATED
    from tests.instruments.device_clock.kept_lines import unreleased
    from tests.latency.machine import require_idle, this_machine

    asked = Order(**order)
    unchecked = [*require_idle(), *unreleased()]
    tell(step="loading", done=0, of=1)
    functions, left_out = load(asked)
    tell(machine=this_machine().as_json(), unchecked=unchecked, left_out=left_out)
    cases = [*STATED, *FURTHER]
    clocks = GpuClocks(functions)
    # The host's time first: CUPTI stays with a process that used it, and is to be no part of what the host does.
    of_host = []
    for number, case in enumerate(cases):
        tell(step=f"{case.name}, host", done=number, of=2 * len(cases))
        of_host.append(on_host(clocks, case, list(functions), asked.runs))
    for number, (case, sides) in enumerate(zip(cases, of_host, strict=True)):
        tell(step=case.name, done=len(cases) + number, of=2 * len(cases))
        tell(workload=on_device(clocks, case, sides, asked.runs, is_stated=case in STATED))


def load(order: Order) -> tuple[dict[str, Callable[..., Any]], dict[str, str]]:
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


if __name__ == "__main__":
    serve(measure)
