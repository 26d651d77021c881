"""What the examination of a case says together: is too little memory nobody's fault?"""

import pytest

from tests.contract import Rule
from tests.examine.examined import Examined
from tests.examine.finding import Finding

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
