"""The project's gathers remember what the host knows of a call. What they remember must fit the next call."""

import pytest
import torch

from kernels import get_k, get_k_and_s, get_s, launch
from kernels.launch import MOST_CALLS_KEPT, call_of

PAGE_SIZE, HEAD_DIM, PAGES = 4, 8, 6


@pytest.fixture
def arguments():
    pool = torch.arange(PAGES * PAGE_SIZE * (HEAD_DIM + 4), dtype=torch.int64).to(torch.uint8)
    buf = pool.reshape(PAGES, PAGE_SIZE * (HEAD_DIM + 4))
    return [buf, torch.tensor([[5, 1], [2, 0]], dtype=torch.int32), torch.tensor([6, 3]), 9, 6, PAGE_SIZE, HEAD_DIM]


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch):
    monkeypatch.setattr(launch, "_calls", {})


def _call(arguments, gather_k=True, gather_s=True):
    return call_of(gather_k, gather_s, *arguments)


def test_an_equal_call_is_looked_up(arguments):
    assert _call(arguments) is _call([tensor.clone() for tensor in arguments[:3]] + arguments[3:])


@pytest.mark.parametrize("place", range(3, 7))
def test_a_float_is_no_remembered_int(arguments, place):
    _call(arguments)
    arguments[place] = float(arguments[place])
    with pytest.raises(TypeError, match="float"):
        _call(arguments)


@pytest.mark.parametrize("place", range(3, 6))
def test_a_bool_is_no_remembered_one(arguments, place):
    ones = [torch.zeros((2, 8), dtype=torch.uint8), arguments[1], torch.tensor([1, 0]), 1, 1, 1, 4]
    _call(ones)
    ones[place] = True
    with pytest.raises(TypeError, match="bool"):
        _call(ones)


@pytest.mark.parametrize(
    ("place", "named", "change"),
    [
        (0, "buf", lambda buf: buf.to(torch.int8)),
        (0, "buf", lambda buf: torch.empty_like(buf, device="meta")),
        (0, "buf", lambda buf: buf.t().contiguous().t()),
        (0, "buf", lambda buf: buf.numpy()),
        (0, "buf", lambda buf: buf.to_sparse()),
        (1, "page_indices", lambda table: table.to(torch.int16)),
        (1, "page_indices", lambda table: torch.empty_like(table, device="meta")),
        (1, "max_seq_len", lambda table: table[:, :1]),
        (2, "seq_lens", lambda lens: lens.to(torch.float64)),
        (2, "seq_lens", lambda lens: lens[:1]),
        (2, "seq_lens", lambda lens: lens.to_sparse()),
        (2, "seq_lens", lambda lens: lens.tolist()),
    ],
)
def test_tensors_unlike_remembered_ones_are_checked(arguments, place, named, change):
    _call(arguments)
    arguments[place] = change(arguments[place])
    for _ in range(2):  # what was refused is not remembered
        with pytest.raises((TypeError, ValueError), match=named):
            _call(arguments)


def test_equal_shapes_with_other_strides_are_other_calls(arguments, device):
    buf, table, lens = (tensor.to(device) for tensor in arguments[:3])
    numbers = arguments[3:]
    expected = get_k_and_s(buf, table, lens, *numbers)
    wide = torch.full((2, 4), 77, dtype=torch.int32, device=device)
    wide[:, ::2] = table
    apart = torch.zeros((PAGES, buf.shape[1] + 16), dtype=torch.uint8, device=device)
    apart[:, : buf.shape[1]] = buf
    lens_apart = torch.stack([lens, torch.full_like(lens, 99)], dim=1)[:, 0]
    for given in ([buf, wide[:, ::2], lens], [apart[:, : buf.shape[1]], table, lens], [buf, table, lens_apart]):
        assert all(torch.equal(*pair) for pair in zip(get_k_and_s(*given, *numbers), expected, strict=True))


def test_the_three_functions_do_not_share_calls(arguments, device):
    arguments = [*(tensor.to(device) for tensor in arguments[:3]), *arguments[3:]]
    k, s = get_k_and_s(*arguments)
    assert torch.equal(get_k(*arguments), k)
    assert torch.equal(get_s(*arguments), s)


def test_what_is_remembered_is_bounded_and_holds_no_tensor(arguments):
    for more in range(MOST_CALLS_KEPT + 10):
        _call([*arguments[:3], 9 + more, *arguments[4:]])
    assert 0 < len(launch._calls) <= MOST_CALLS_KEPT
    held = [
        *launch._calls,
        *((slot, getattr(call, slot)) for call in launch._calls.values() for slot in call.__slots__),
    ]
    assert not any(isinstance(part, torch.Tensor) for parts in held for part in parts)
