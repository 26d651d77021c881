"""What the examination of a case says together: is too little memory nobody's fault?"""

import pytest
import torch

from tests.calls.errors import lacks_memory
from tests.calls.implementations import load_implementation
from tests.cases.case import Case
from tests.contract import Rule
from tests.examine.examination import examine
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.instruments.red_zones import RedZonedMemory

CASE = "lengths/page"


def finding(message: str, rule: Rule = Rule.LENGTHS) -> Finding:
    return Finding(rule, CASE, "get_k", message)


@pytest.mark.parametrize(
    "message",
    [
        "raised OutOfMemoryError: CUDA out of memory.",
        "raised MemoryError: (no text)",
        "DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_out_of_memory_is_undecided_and_other_findings_survive(message):
    other = finding("row 3 is wrong")
    examined = Examined(CASE, (finding(message), other)).excused()
    assert examined.findings == (other,)
    assert examined.lacked_memory
    assert message in str(examined.undecided)
    assert examined.excused() is examined


def test_a_call_to_be_refused_that_runs_out_of_memory_was_not_refused():
    examined = Examined(CASE, (finding("raised OutOfMemoryError: CUDA out of memory.", Rule.BAD_ARGUMENTS),))
    assert examined.excused() is examined
    assert not examined.lacked_memory


def test_another_reason_stands_before_lack_of_memory():
    assert not Examined(CASE, undecided="needs a GPU").without_memory("for rows").lacked_memory


@pytest.mark.parametrize(
    "error",
    [MemoryError(), torch.OutOfMemoryError("fenced memory cannot be had"), RuntimeError("CUDA error: out of memory")],
)
def test_errors_that_say_so(error):
    assert lacks_memory(error)
    assert not lacks_memory(RuntimeError("an illegal memory access"))


class ShortOfMemory(RedZonedMemory):
    """Memory that ends with the second allocation."""

    is_closed = False
    allocations = 0

    def allocate(self, name: str, size: int, device: torch.device) -> torch.Tensor:
        self.allocations += 1
        if self.allocations > 1:
            raise torch.OutOfMemoryError
        return super().allocate(name, size, device)

    def close(self) -> None:
        self.is_closed = True


def test_memory_is_given_back_where_it_ran_out():
    memory, case = ShortOfMemory(), Case(name="page", family="lengths", rules=(4,), seq_lens=(64,))
    with pytest.raises(torch.OutOfMemoryError):
        examine(load_implementation("torch"), case, device=torch.device("cpu"), memory=lambda: memory)
    assert memory.is_closed
