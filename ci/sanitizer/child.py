"""The process under the sanitizer: examines cases in memory of exactly their size, and tells what it is doing.

The order: `tool`, `contract` and `examinations`, pairs of implementation and case. Messages: `{"case",
"implementation"}` before each examination and `{"done", ...}` after it; `{"function"}` before each of its steps, and
`{"tensor", "address", "size"}` for memory; `{"lost"}`, findings, where the GPU is lost; `{"all_done"}` before the
tool's own fault is planted.
"""

import os
from collections.abc import Callable
from typing import Any

import torch

from ci.processes import serve, tell
from ci.sanitizer.canaries import plant
from tests.calls.errors import Foreseen
from tests.calls.fetching import Fetch
from tests.calls.implementations import Implementation, load_implementation
from tests.cases.case import Case
from tests.contract import Contract
from tests.examine.call import DeviceLost
from tests.examine.choice import chosen_cases
from tests.examine.examination import examine
from tests.examine.selection import Selection

DEVICE_LOST_STATUS = 70
"""Exit status of a process whose GPU context is gone."""


class ExactMemory:
    """Memory of the very size asked for, in an allocation of its own: the sanitizer knows where each ends.

    Torch must not cache allocations: `PYTORCH_NO_CUDA_MEMORY_CACHING=1`.

    Args:
        is_poisoned: whether what a call allocates is filled; not, where reads of unwritten memory are to be seen.
    """

    surroundings = "is an allocation of its own"

    def __init__(self, is_poisoned: bool) -> None:
        self.is_poisoned = is_poisoned

    def allocate(self, name: str, size: int, device: torch.device) -> torch.Tensor:
        """Return `(size,)` uint8, and tell where it lies. See `Memory.allocate`."""
        tensor = torch.empty(size, dtype=torch.uint8, device=device)
        tell(tensor=name, address=tensor.data_ptr(), size=size)
        return tensor

    def damage(self, fetch: Fetch) -> Callable[[], list[str]]:
        """Ask for nothing: the sanitizer sees what is written beside an allocation."""
        return list

    def close(self) -> None:
        """Do nothing: tensors own their memory."""


def work(order: dict[str, Any]) -> None:
    """Carry out an order, and plant the tool's fault at the end."""
    tool, device = order["tool"], torch.device("cuda")
    # Rules past these need CUDA graphs, which cannot be captured while torch does not cache allocations.
    contract = min(Contract[order["contract"].upper()], Contract.SAFE)
    wanted = Selection().of_cases(*(name for _, name in order["examinations"]))
    cases = {case.id: case for case in chosen_cases(wanted)}
    implementations = {spec: load_implementation(spec) for spec, _ in order["examinations"]}
    for spec, name in order["examinations"]:
        tell(case=name, implementation=spec)
        _examine(implementations[spec], cases[name], contract, device, is_poisoned=tool != "initcheck")
        tell(done=name, implementation=spec)
    tell(all_done=True)
    try:
        plant(tool, device)
    except Exception as error:  # a tool may end the GPU's context
        tell(canary=str(error).partition("\n")[0])


def _examine(
    implementation: Implementation, case: Case, contract: Contract, device: torch.device, is_poisoned: bool
) -> None:
    try:
        examined = examine(
            implementation,
            case,
            contract=contract,
            device=device,
            memory=lambda: ExactMemory(is_poisoned),
            on_step=lambda function, step: tell(function=function),
        )
    except DeviceLost as lost:
        tell(lost=[finding.as_json() for finding in lost.findings])
        # Giving memory back would end the process too, with less grace.
        os._exit(DEVICE_LOST_STATUS)
    if examined.undecided is not None:
        raise Foreseen(examined.undecided)


if __name__ == "__main__":
    serve(work)
