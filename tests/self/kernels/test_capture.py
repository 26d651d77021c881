"""In a graph, a gather starts early behind another gather alone."""

import pytest
import torch

from kernels import get_k_and_s, launch
from kernels.capture import is_behind
from tests.instruments.launches.observed import early_starts


@pytest.fixture
def arguments(device):
    if device != "cuda":
        pytest.skip("needs a GPU: only there graphs are captured")
    given = (
        torch.zeros((3, 4 * 12), dtype=torch.uint8, device=device),
        torch.zeros((1, 2), dtype=torch.int32, device=device),
        torch.tensor([5], device=device),
        *(5, 5, 4, 8),
    )
    get_k_and_s(*given)
    return given


def test_a_capture_tells_what_stands_last_in_it(arguments, monkeypatch):
    told = []

    def listen(stream, functions):
        told.append(is_behind(stream, functions))
        return told[-1]

    monkeypatch.setattr(launch, "is_behind", listen)
    with torch.cuda.graph(torch.cuda.CUDAGraph()):
        get_k_and_s(*arguments)  # at the start of a capture
        get_k_and_s(*arguments)
        get_k_and_s(*arguments)  # behind one that started early itself
        arguments[0].fill_(0)
        get_k_and_s(*arguments)  # behind another kernel
        buf = arguments[0].clone()
        get_k_and_s(buf, *arguments[1:])  # behind a copy, which is no kernel
        get_k_and_s(*arguments)
    assert told == [False, True, True, False, False, True]
    assert not is_behind(torch.cuda.current_stream().cuda_stream, launch._leave_givers), "nothing is captured"


@pytest.mark.parametrize(("leave", "starts"), [(None, 1), (True, 2), (False, 0)])
def test_a_graph_tells_which_calls_start_early(leave, starts, arguments, monkeypatch):
    if leave is not None:
        monkeypatch.setattr(launch, "is_behind", lambda stream, functions: leave)
    assert early_starts(get_k_and_s, arguments) == starts
