"""Examines each fault of `reaching` in fenced memory, each in a process of its own, and prints what came of it.

Usage: python -m tests.self.instruments.examine_reaches DEVICE CASE. On the CPU the fences are pages of the host. A line
of JSON for each fault and fence: how the process ended, and the findings, if it lived to tell.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import torch

from tests.calls.implementations import Implementation
from tests.calls.memory import Memory
from tests.cases.catalogue import catalogue
from tests.contract import Contract
from tests.examine.call import DeviceLost
from tests.examine.examination import examine
from tests.instruments.fenced_memory import Fence
from tests.planted.faults.reaching import REACHES, Reach
from tests.self.instruments.host_fences import host_fenced_memory

DEVICE_LOST_STATUS = 70
"""Exit status of a process whose GPU reported an error that it does not survive."""
FAILED_STATUS = 1
AT_ONCE = {"cpu": 1, "cuda": 8}
"""Processes that run at a time: on a GPU each waits for its context most of the time."""


def main(device: str, case_id: str) -> None:
    """Examine every fault behind every fence."""
    if device == "cpu":
        memory_of: Callable[[Fence], Memory] = host_fenced_memory
    else:
        from tests.instruments.fenced_memory.cuda import fenced_memory as memory_of
    case = next(case for case in catalogue() if case.id == case_id)

    def run(reach: Reach, fence: Fence) -> None:
        functions = {"get_k_and_s": reach.get_k_and_s}
        examined = examine(
            Implementation(reach.name, functions),
            case,
            contract=Contract.SAFE,
            device=torch.device(device),
            memory=lambda: memory_of(fence),
        )
        print(json.dumps([finding.as_json() for finding in examined.findings]), flush=True)

    pairs = [(reach, fence) for reach in REACHES for fence in (Fence.BEFORE, Fence.AFTER)]
    for start in range(0, len(pairs), AT_ONCE[device]):
        together = pairs[start : start + AT_ONCE[device]]
        children = [in_a_process(run, *pair) for pair in together]
        for (reach, fence), child in zip(together, children, strict=True):
            status, findings = ending(*child)
            line = {"fault": reach.name, "fence": fence.value, "status": status, "findings": findings}
            print(json.dumps(line), flush=True)


def in_a_process(run: Callable[[Reach, Fence], None], reach: Reach, fence: Fence) -> tuple[int, int]:
    """Fork and run; return the process and what it prints to."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    os.dup2(writing, 1)
    status = 0
    try:
        run(reach, fence)
    except DeviceLost as lost:
        print(json.dumps([finding.as_json() for finding in lost.findings]), flush=True)
        status = DEVICE_LOST_STATUS
    except BaseException:
        traceback.print_exc()
        status = FAILED_STATUS
    os._exit(status)


def ending(process: int, reading: int) -> tuple[int, list[dict[str, Any]]]:
    """Wait for a process, and return how it ended, as `subprocess` tells it, and the findings that it printed."""
    with os.fdopen(reading) as pipe:
        printed = pipe.read()
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), json.loads(printed) if printed.strip() else []


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:3])
