"""The process under the sanitizer: examines cases in memory of exactly their size, and marks what it is doing."""

import json
import os
import sys

import torch

from tests.cases.case import Case
from tests.examine.call import DeviceLost
from tests.examine.contract import Contract
from tests.examine.examination import examine
from tests.examine.implementations import Implementation, load_implementation
from tests.instruments.sanitizer.canaries import plant
from tests.instruments.sanitizer.cases import cases_by_id
from tests.instruments.sanitizer.stream import mark

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
        """Return `(size,)` uint8, and mark where it lies. See `Memory.allocate`."""
        tensor = torch.empty(size, dtype=torch.uint8, device=device)
        mark(tensor=name, address=tensor.data_ptr(), size=size)
        return tensor

    def damage(self) -> list[str]:
        """Return nothing: the sanitizer sees what is written beside an allocation."""
        return []

    def close(self) -> None:
        """Do nothing: tensors own their memory."""


def main(order: str) -> None:
    """Examine the cases of an order, a JSON object with tool, implementation, contract and cases."""
    asked = json.loads(order)
    device = torch.device("cuda")
    implementation = load_implementation(asked["implementation"])
    # Rules past these need CUDA graphs, which cannot be captured while torch does not cache allocations.
    contract = min(Contract[asked["contract"].upper()], Contract.SAFE)
    for case in cases_by_id(asked["cases"]):
        mark(case=case.id)
        _examine(case, implementation, contract, device, is_poisoned=asked["tool"] != "initcheck")
        mark(done=case.id)
    mark(end=True)
    try:
        plant(asked["tool"], device)
    except Exception as error:  # memcheck ends the GPU's context
        mark(canary=str(error).partition("\n")[0])


def _examine(
    case: Case, implementation: Implementation, contract: Contract, device: torch.device, is_poisoned: bool
) -> None:
    try:
        examine(
            implementation,
            case,
            contract=contract,
            device=device,
            memory=lambda: ExactMemory(is_poisoned),
            on_step=lambda function, step: mark(function=function, step=step),
        )
    except DeviceLost as lost:
        mark(lost=[finding.as_json() for finding in lost.findings])
        # Giving memory back would end the process too, with less grace.
        os._exit(DEVICE_LOST_STATUS)


if __name__ == "__main__":
    main(sys.argv[1])
