"""Counts an implementation's calls on Triton's interpreter, in a process of their own.

The order: `implementation`, as `--impl` names it, and `workloads`, names; all of them if there are none.

Messages: `{"step", "done", "of"}` before each step; then one with

- `versions`: of Python, torch and Triton,
- `functions`: those of the implementation,
- `calls`: workload, function, figures, least, and the variants of each launch by number,
- `variants`: as `Variant.as_json`, or `{"name", "backend", "reason"}` for one that cannot be compiled elsewhere,
- `not_taken`: why a backend does not take a launch, in sentences,
- `growing`: how many variants the growing requests compile, and what they differ in, by function,
- `refused`, `failed`: workload, function and reason of calls that raised.
"""

import os
import platform
from collections.abc import Sequence
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

import torch
import triton

from ci.processes import serve, tell
from tests.calls.implementations import Implementation, load_implementation
from tests.cases.case import Case
from tests.cases.cost_workloads import COUNTED, GROWING_REQUESTS, LAUNCHED, PARTS
from tests.cases.growth import growing_requests
from tests.instruments.cost.counting import count_call
from tests.instruments.cost.trace import variants_of_requests, what_differs
from tests.instruments.cost.variants import NotPortable, Variant

BACKENDS = ("cuda", "hip")


def calls_of(implementation: Implementation, workloads: Sequence[str] = ()) -> list[tuple[Case, str, bool]]:
    """Return what is counted: workload, function, and whether its launches are run."""
    first = next(iter(implementation.functions))
    return [
        (case, function, case in COUNTED)
        for case in [*COUNTED, *LAUNCHED]
        if not workloads or case.name in workloads
        for function in implementation.functions
        if function == first or case.name in PARTS
    ]


def _told(variant: Variant) -> dict[str, Any]:
    try:
        return variant.as_json()
    except NotPortable as error:
        return {"name": variant.name, "backend": variant.backend, "reason": str(error)}


def work(order: dict[str, Any]) -> None:
    """Count, and tell."""
    torch.set_num_threads(1)
    implementation = load_implementation(order["implementation"])
    numbers: dict[Variant, int] = {}
    calls: list[dict[str, Any]] = []
    not_taken: list[str] = []
    refused: list[dict[str, str]] = []
    failed: list[dict[str, str]] = []
    growing: dict[str, dict[str, Any]] = {}
    planned = calls_of(implementation, order["workloads"])
    steps = len(planned) + len(implementation.functions)
    for done, (case, function, execute) in enumerate(planned):
        tell(step=f"{case.name}, {function}", done=done, of=steps)
        at = {"workload": case.name, "function": function}
        try:
            counted = count_call(function, implementation.functions[function], case, backends=BACKENDS, execute=execute)
        except Exception as error:  # the implementation's, whatever it is
            told = {**at, "reason": f"{type(error).__name__}: {error}"}
            (refused if isinstance(error, ValueError) and case.may_be_refused else failed).append(told)
            continue
        launches = [
            [numbers.setdefault(variant, len(numbers)) for variant in launch.variants] for launch in counted.launches
        ]
        calls.append({**at, "figures": counted.figures, "least": counted.least, "launches": launches})
        not_taken += [refusal for launch in counted.launches for refusal in launch.refusals]
    for place, (function, call) in enumerate(implementation.functions.items()):
        tell(step=f"{GROWING_REQUESTS:,} growing requests, {function}", done=len(planned) + place, of=steps)
        if not any(told["launches"] for told in calls if told["function"] == function):
            continue  # It launches no Triton kernel, so there is nothing to compile.
        try:
            found = variants_of_requests(call, growing_requests(GROWING_REQUESTS), torch.device("cpu"))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            failed.append({"workload": "growing requests", "function": function, "reason": reason})
            continue
        growing[function] = {"variants": len(found), "differ": what_differs(found)}
    tell(
        versions={
            "python": ".".join(platform.python_version_tuple()[:2]),
            "torch": torch.__version__.partition("+")[0],
            "triton": triton.__version__,
        },
        functions=list(implementation.functions),
        calls=calls,
        variants=list(map(_told, numbers)),
        not_taken=list(dict.fromkeys(not_taken)),
        growing=growing,
        refused=refused,
        failed=failed,
    )


if __name__ == "__main__":
    serve(work)
