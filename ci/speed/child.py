"""The process that measures: `python -m ci.speed.child`.

The order: `implementations`, as on the command line, the first being the one that the others' rows are compared with;
`optional`, those that are left out where they are not installed; and `runs`, a number.

Messages: `{"step", "done", "of"}` before each step; then one with

- `machine`: what machine it is,
- `unchecked`: what could not be checked of it, in words,
- `left_out`: implementations that could not be loaded, and why,
- `workloads`: each a `figures.Workload` as a JSON object.
"""

from collections.abc import Callable
from typing import Any

from ci.processes import serve, tell
from ci.speed.clocks import GpuClocks
from tests.calls.implementations import NoImplementation, load_implementation
from tests.cases.latency_workloads import FURTHER, STATED
from tests.instruments.device_clock.kept_lines import unreleased
from tests.latency.machine import require_idle, this_machine


def measure(order: dict[str, Any]) -> None:
    """Measure what an order asks for, and tell it."""
    unchecked = [*require_idle(), *unreleased()]
    tell(step="loading", done=0, of=1)
    functions, left_out = load(order["implementations"], order["optional"])
    cases, runs = [*STATED, *FURTHER], order["runs"]
    clocks = GpuClocks(functions)
    # The host's time first: CUPTI stays with a process that used it, and is to be no part of what the host does.
    of_host = []
    for number, case in enumerate(cases):
        tell(step=f"{case.name}, host", done=number, of=2 * len(cases))
        of_host.append(clocks.on_host(case, runs))
    workloads = []
    for number, (case, sides) in enumerate(zip(cases, of_host, strict=True)):
        tell(step=case.name, done=len(cases) + number, of=2 * len(cases))
        workloads.append(clocks.on_device(case, sides, runs, is_stated=case in STATED))
    tell(machine=this_machine().as_json(), unchecked=unchecked, left_out=left_out, workloads=workloads)


def load(names: list[str], optional: list[str]) -> tuple[dict[str, Callable[..., Any]], dict[str, str]]:
    """Return `get_k_and_s` of each implementation, and why others are left out.

    Raises:
        NoImplementation: one that is not optional is not there, or has no `get_k_and_s`.
    """
    functions, left_out = {}, {}
    for name in names:
        try:
            found = load_implementation(name).functions
            if "get_k_and_s" not in found:
                raise NoImplementation(f"--impl {name}: it has no get_k_and_s, whose speed is measured")
            functions[name] = found["get_k_and_s"]
        except NoImplementation as error:
            if name not in optional:
                raise
            left_out[name] = str(error)
    return functions, left_out


if __name__ == "__main__":
    serve(measure)
