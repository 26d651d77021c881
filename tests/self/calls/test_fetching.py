"""Is a device waited for once, however much the host wants to see?"""

import pytest
import torch

from tests.calls import fetching
from tests.calls.fetching import Fetch
from tests.calls.implementations import Implementation, load_implementation
from tests.cases.case import Case
from tests.contract import Contract
from tests.examine.examination import examine
from tests.instruments.red_zones import RedZonedMemory


@pytest.fixture
def brought(monkeypatch):
    """Return how many tensors each copy from the device brought; the device is what was `lent`."""
    counts, bring = [], fetching._brought

    def counted(wanted):
        counts.append(len(wanted))
        return bring(wanted)

    monkeypatch.setattr(fetching, "is_on_host", lambda tensor: tensor.untyped_storage().data_ptr() not in LENT)
    monkeypatch.setattr(fetching, "_brought", counted)
    yield counts
    LENT.clear()


LENT: set[int] = set()


def lent(tensor):
    LENT.add(tensor.untyped_storage().data_ptr())
    return tensor


class Lending(RedZonedMemory):
    """Memory that counts as the device's."""

    def allocate(self, name: str, size: int, device: torch.device) -> torch.Tensor:
        return lent(super().allocate(name, size, device))


def get_k(buf, *arguments):
    """PyTorch's gather, with a result in memory of its own."""
    result = load_implementation("torch").functions["get_k"](buf, *arguments)
    return buf.new_empty(result.shape).copy_(result)


def test_all_that_was_asked_for_comes_in_one_copy(brought):
    fetch, rows = Fetch(), lent(torch.arange(12, dtype=torch.uint8)).reshape(3, 4)
    takes = [fetch.of(rows), fetch.of(rows[:0]), fetch.of(rows[:, 1:3]), fetch.of(lent(torch.tensor(True)))]
    assert brought == []
    shown = [take().tolist() for take in takes]
    assert shown == [rows.tolist(), [], rows[:, 1:3].tolist(), True]
    assert brought == [4]


def test_what_is_fetched_is_as_it_was_then(brought):
    fetch, rows = Fetch(), lent(torch.zeros(3, dtype=torch.uint8))
    take = fetch.of(rows)
    rows[0] = 1
    take()
    rows[1] = 1
    assert take().tolist() == [1, 0, 0]


def test_nothing_is_asked_for_once_all_was_brought(brought):
    fetch = Fetch()
    fetch.of(lent(torch.zeros(3, dtype=torch.uint8)))()
    with pytest.raises(RuntimeError, match="before the first is taken"):
        fetch.of(lent(torch.ones(3, dtype=torch.uint8)))


def test_a_difference_from_what_the_host_has_is_told(brought):
    fetch, held = Fetch(), lent(torch.arange(8, dtype=torch.uint8))
    equal, other = (fetch.differs(held, right) for right in (held.clone(), held.flip(0)))
    assert [equal(), other()] == [False, True]
    assert brought == [2]


def test_a_difference_on_the_device_is_told():
    fetch, held = Fetch(), torch.arange(8, dtype=torch.uint8)
    assert not fetch.differs(held, held.clone())()
    assert fetch.differs(held, held.flip(0))()


def test_a_call_of_an_examination_is_looked_at_in_one_copy(brought):
    case, steps = Case(name="some", family="lengths", rules=(4,), seq_lens=(70, 0, 65)), []
    examined = examine(
        Implementation("mine", {"get_k": get_k}),
        case,
        contract=Contract.TRUSTING,
        device=torch.device("cpu"),
        memory=Lending,
        on_step=lambda function, step: steps.append(step),
    )
    assert examined.is_clean
    assert examined.right == ("get_k",)
    calls = [step for step in steps if not step.startswith("judging")]
    # And one at the end, for results that later calls may have changed.
    assert len(brought) == len(calls) + 1
    assert max(brought) == len(("buf", "page_indices", "seq_lens", "K"))
