"""Is a device waited for once, however much the host wants to see?"""

import pytest
import torch

from tests.calls import fetching
from tests.calls.fetching import Fetch
from tests.calls.implementations import load_implementation
from tests.cases.case import Case
from tests.contract import Contract
from tests.examine.examination import examine


@pytest.fixture
def brought(monkeypatch):
    """Return how many tensors each copy from the device brought; but for those named "host", all are the device's."""
    counts, bring = [], fetching._brought

    def counted(wanted):
        counts.append(len(wanted))
        return bring(wanted)

    monkeypatch.setattr(fetching, "is_on_host", lambda tensor: hasattr(tensor, "is_hosts"))
    monkeypatch.setattr(fetching, "_brought", counted)
    return counts


def on_host(tensor):
    tensor.is_hosts = True
    return tensor


def test_all_that_was_asked_for_comes_in_one_copy(brought):
    fetch, rows = Fetch(), torch.arange(12, dtype=torch.uint8).reshape(3, 4)
    takes = [fetch.of(rows), fetch.of(rows[:0]), fetch.of(rows[:, 1:3]), fetch.of(torch.tensor(True))]
    assert brought == []
    shown = [take().tolist() for take in takes]
    assert shown == [rows.tolist(), [], rows[:, 1:3].tolist(), True]
    assert brought == [4]


def test_what_is_fetched_is_as_it_was_then(brought):
    fetch, rows = Fetch(), torch.zeros(3, dtype=torch.uint8)
    take = fetch.of(rows)
    rows[0] = 1
    take()
    rows[1] = 1
    assert take().tolist() == [1, 0, 0]


@pytest.mark.parametrize("place", [lambda right: right, on_host], ids=["on the device", "on the host"])
def test_a_difference_is_told(brought, place):
    fetch, held = Fetch(), torch.arange(8, dtype=torch.uint8)
    equal, other = (fetch.differs(held, place(right)) for right in (held.clone(), held.flip(0)))
    assert [equal(), other()] == [False, True]
    assert brought == [2]


def test_a_call_of_an_examination_is_looked_at_in_one_copy(brought):
    case, steps = Case(name="some", family="lengths", rules=(4,), seq_lens=(70, 0, 65)), []
    examined = examine(
        load_implementation("torch"),
        case,
        contract=Contract.TRUSTING,
        device=torch.device("cpu"),
        on_step=lambda function, step: steps.append(step),
    )
    assert examined.is_clean
    assert examined.right == ("get_k_and_s", "get_k", "get_s")
    calls = [step for step in steps if not step.startswith("judging")]
    # And one at the end of each function, for results that later calls may have changed.
    assert len(brought) == len(calls) + len(examined.right)
