"""The process under the sanitizer: examines cases in memory of exactly their size, and tells what it is doing.

The order: `tool`, `contract`, `examinations`, pairs of implementation and case, and `start`, in seconds of
`time.monotonic`. Messages: `{"case", "implementation", "second"}` before each examination and `{"done", ...}` after it;
`{"function", "step"}` before each step, and `{"tensor", "address", "size"}` for memory; `{"lost"}`, findings, where the
GPU is lost; `{"all_done"}` before the tool's own fault is planted.
"""

import os
import time
from typing import Any

import torch

from ci.processes import serve, tell
from ci.sanitizer.canaries import plant
from ci.sanitizer.cases import cases_by_id
from tests.calls.errors import Foreseen
from tests.calls.implementations import Implementation, load_implementation
from tests.cases.case import Case
from tests.contract import Contract
from tests.examine.call import DeviceLost
from tests.examine.examination import examine

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

    def damage(self) -> list[str]:
        """Return nothing: the sanitizer sees what is written beside an allocation."""
        return []

    def close(self) -> None:
        """Do nothing: tensors own their memory."""


class _Examiner:
    """Goes through the examinations of an order."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._tool: str = order["tool"]
        self._start: float = order["start"]
        self._device = torch.device("cuda")
        # Rules past these need CUDA graphs, which cannot be captured while torch does not cache allocations.
        self._contract = min(Contract[order["contract"].upper()], Contract.SAFE)
        pairs = [(spec, name) for spec, name in order["examinations"]]
        implementations = {spec: load_implementation(spec) for spec, _ in pairs}
        cases = dict(zip([name for _, name in pairs], cases_by_id([name for _, name in pairs]), strict=True))
        self._pairs = [(implementations[spec], cases[name]) for spec, name in pairs]

    def run(self) -> None:
        """Examine all, and plant the tool's fault at the end."""
        for implementation, case in self._pairs:
            tell(case=case.id, implementation=implementation.name, second=self._second())
            self._examine(case, implementation)
            tell(done=case.id, implementation=implementation.name, second=self._second())
        tell(all_done=True, second=self._second())
        try:
            plant(self._tool, self._device)
        except Exception as error:  # a tool may end the GPU's context
            tell(canary=str(error).partition("\n")[0])

    def _second(self) -> float:
        return round(time.monotonic() - self._start, 1)

    def _examine(self, case: Case, implementation: Implementation) -> None:
        try:
            examined = examine(
                implementation,
                case,
                contract=self._contract,
                device=self._device,
                memory=lambda: ExactMemory(is_poisoned=self._tool != "initcheck"),
                on_step=lambda function, step: tell(function=function, step=step),
            )
        except DeviceLost as lost:
            tell(lost=[finding.as_json() for finding in lost.findings])
            # Giving memory back would end the process too, with less grace.
            os._exit(DEVICE_LOST_STATUS)
        if examined.undecided is not None:
            raise Foreseen(examined.undecided)


def work(order: dict[str, Any]) -> None:
    """Carry out an order."""
    _Examiner(order).run()


if __name__ == "__main__":
    serve(work)
