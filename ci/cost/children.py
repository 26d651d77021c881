"""The two processes that count: they run the user's code, one on Triton's interpreter and one with its compiler."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from ci.processes import Message, OnStep, told_by

COUNT, COMPILE = "ci.cost.count_child", "ci.cost.compile_child"
PATIENCE_SECONDS = 300.0
"""How long a process may say nothing; some implementations compile extensions when they are imported."""


def count(implementation: str, on_step: OnStep, workloads: Sequence[str] = ()) -> Message:
    """Count an implementation's calls on the interpreter, and return what `ci.cost.count_child` told.

    Args:
        implementation: as `--impl` names it.
        on_step: see there.
        workloads: names of those of `tests.cases.cost_workloads` to count, all if there are none.

    Raises:
        CannotRun: the implementation is not to be had, or ended the process.
    """
    order = {"implementation": implementation, "workloads": list(workloads)}
    (counted,) = _told(COUNT, order, {"TRITON_INTERPRET": "1"}, on_step)
    return counted


def compile_(implementation: str, variants: list[Message], on_step: OnStep) -> list[Message]:
    """Compile variants for all targets, and return what was told about each.

    Raises:
        CannotRun: the implementation is not to be had where Triton compiles, or ended the process.
    """
    order = {"implementation": implementation, "variants": variants}
    # Code is compiled anew each time, and without line numbers: neither an old cache nor a comment changes a figure.
    with tempfile.TemporaryDirectory(prefix="cost-") as cache:
        environment = {"TRITON_CACHE_DIR": cache, "TRITON_DISABLE_LINE_INFO": "1"}
        return _told(COMPILE, order, environment, on_step)


def _told(module: str, order: Message, environment: Mapping[str, str], on_step: OnStep) -> list[Message]:
    """Have a process carry out an order, and return its messages but for its steps."""
    # Nothing that the user set for Triton, nor a GPU that happens to be there, may change a figure.
    kept_out: dict[str, Any] = dict.fromkeys(name for name in os.environ if name.startswith("TRITON_"))
    kept_out |= {"CUDA_VISIBLE_DEVICES": "", **environment}
    log = f"{module.rpartition('.')[2]}.log"
    return told_by(module, log, order, on_step, environment=kept_out, patience=PATIENCE_SECONDS)
