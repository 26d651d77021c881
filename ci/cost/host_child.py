"""Counts what calls cost the host, in a process of its own, in which Triton compiles.

The order: `implementation`, as `--impl` names it.

Messages: `{"step", "done", "of"}` before each function; then one with

- `calls`: workload, function and figures,
- `uncounted`: workload, function and reason of calls that cannot be counted without a GPU.
"""

from typing import Any

import torch

from ci.processes import serve, tell
from tests.calls.implementations import load_implementation
from tests.calls.inputs import Inputs
from tests.cases.cost_workloads import OF_HOST
from tests.instruments.cost.host import CannotCount, count_host
from tests.instruments.red_zones import RedZonedMemory


def work(order: dict[str, Any]) -> None:
    """Count, and tell."""
    torch.set_num_threads(1)
    functions = load_implementation(order["implementation"]).functions
    arguments = Inputs(OF_HOST, torch.device("cpu"), RedZonedMemory()).arguments
    calls, uncounted = [], []
    for done, (name, function) in enumerate(functions.items()):
        tell(step=f"host, {name}", done=done, of=len(functions))
        at = {"workload": OF_HOST.name, "function": name}
        try:
            calls.append({**at, "figures": count_host(function, arguments)})
        except CannotCount as error:
            uncounted.append({**at, "reason": str(error)})
    tell(calls=calls, uncounted=uncounted)


if __name__ == "__main__":
    serve(work)
