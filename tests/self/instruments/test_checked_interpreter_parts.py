"""The parts of the checked interpreter, each against a plain statement of what it should say."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import triton
import triton.language as tl
from triton.language.semantic import TritonSemantic

if not triton.knobs.runtime.interpret:
    pytest.skip("the checked interpreter needs TRITON_INTERPRET=1", allow_module_level=True)

from tests.instruments.checked_interpreter import CheckedInterpreter
from tests.instruments.checked_interpreter.handles import INTEGER_RANGES, CheckedHandle, numpy_dtype
from tests.instruments.checked_interpreter.language import checked_language
from tests.instruments.checked_interpreter.launch import axes_past_limits
from tests.instruments.checked_interpreter.races import AccessMap
from tests.instruments.checked_interpreter.regions import Layout, RegionTable
from tests.instruments.checked_interpreter.state import Garbage, LaunchState
from tests.instruments.checked_interpreter.taint import TaintTable
from tests.instruments.checked_interpreter.violations import Findings
from tests.instruments.triton_seams import interpreter_parts

EXACT: dict[str, Callable[[int, int], int]] = {
    "create_add": lambda a, b: a + b,
    "create_sub": lambda a, b: a - b,
    "create_mul": lambda a, b: a * b,
    "create_shl": lambda a, b: a << b,
}
NEVER_WRAPS: dict[str, Callable[[int, int], int]] = {
    "create_sdiv": lambda a, b: abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1),
    "create_srem": lambda a, b: abs(a) % abs(b) * (1 if a >= 0 else -1),
    "create_minsi": min,
    "create_maxsi": max,
    "create_and": lambda a, b: a & b,
    "create_or": lambda a, b: a | b,
}


@pytest.mark.parametrize("name", [*EXACT, *NEVER_WRAPS])
@pytest.mark.parametrize("dtype", [tl.int8, tl.int32, tl.uint32, tl.int64], ids=str)
def test_integers_are_exact_or_marked(name, dtype):
    low, high = INTEGER_RANGES[dtype]
    values = [low, low + 1, -1, 0, 1, 2, 5, 31, 8448, high // 2 + 1, high - 1, high]
    left = [v for v in values if low <= v <= high]
    right = {"create_shl": [0, 1, 5, 7], "create_sdiv": [1, 3, 7], "create_srem": [1, 3, 7]}.get(name, left)
    exact = (EXACT | NEVER_WRAPS)[name]
    state = LaunchState(RegionTable({}), Findings(), TaintTable(), Garbage(0, zero=False))
    pairs = [(a, b) for a in left for b in right]
    # One by one, so that the bounds settle it, and all at once, so that the lanes must.
    for group in [pairs, *([pair] for pair in pairs)]:
        a, b = (np.array(side, dtype=numpy_dtype(dtype)) for side in zip(*group, strict=True))
        with checked_language(state) as builder, np.errstate(all="ignore"):
            result = getattr(builder, name)(CheckedHandle(a, dtype), CheckedHandle(b, dtype))
        truth = [exact(x, y) for x, y in group]
        wraps = [not low <= value <= high for value in truth]
        assert [int(value) for value in result.data] == [(v - low) % (high - low + 1) + low for v in truth]
        if dtype is not tl.int64:
            marked = [False] * len(group) if result.taint is None else (result.taint != 0).tolist()
            assert marked == wraps
        if result.bounds is not None:
            assert result.bounds[0] <= int(result.data.min())
            assert int(result.data.max()) <= result.bounds[1]


def operands() -> list[Any]:
    """Numbers, and tensors of some types and shapes, made within the checked language."""
    made: list[Any] = [0, 1, -3, 300, True, 2**40, 0.5]
    for dtype in (tl.int1, tl.int32, tl.uint32, tl.int64, tl.float32, tl.pointer_type(tl.int32)):
        for shape in ((), (4,), (1, 4), (4, 1), (4, 4), (8,)):
            data = np.arange(int(np.prod(shape, dtype=int))).reshape(shape or (1,)).astype(numpy_dtype(dtype))
            made.append(tl.tensor(CheckedHandle(data, dtype), tl.block_type(dtype, list(shape)) if shape else dtype))
    return made


def decided(decide: Callable[[], tuple[Any, ...]]) -> list[tuple[str, list[Any]]] | type[Exception]:
    """Types and lanes of what Triton's language made of operands, or the class of its error."""
    try:
        return [(str(made.type), made.handle.data.tolist()) for made in decide()]
    except Exception as error:
        return type(error)


def test_what_is_noted_of_types_is_what_triton_decides_each_time():
    state = LaunchState(RegionTable({}), Findings(), TaintTable(), Garbage(0, zero=False))
    semantic = interpreter_parts()[1]
    with checked_language(state), np.errstate(all="ignore"):
        fast, seen = semantic.__class__, 0
        for left in operands():
            for right in operands():
                if not isinstance(left, tl.tensor) and not isinstance(right, tl.tensor):
                    continue
                looks = [lambda left=left, right=right: semantic.binary_op_type_checking_impl(left, right, True, True)]
                if isinstance(left, tl.tensor) and isinstance(right, tl.tensor):
                    looks.append(lambda left=left, right=right: semantic.broadcast_impl_value(left, right))
                    looks.append(lambda left=left, right=right: (semantic.cast(left, right.dtype),))
                for look in looks:
                    first, again = decided(look), decided(look)
                    semantic.__class__ = TritonSemantic
                    plain = decided(look)
                    semantic.__class__ = fast
                    assert first == again == plain
                    seen += isinstance(plain, list)
    assert seen > 1_000


def test_access_map_against_a_list_of_accesses():
    generator = np.random.default_rng(3)
    for _ in range(300):
        start, length = 1000 + int(generator.integers(64)), 24
        start -= start % 4
        accesses = AccessMap(start, length)
        seen: list[tuple[int, str, int]] = []
        raced: set[int] = set()
        for program in range(1, 7):
            for _ in range(3):
                kind = str(generator.choice(["read", "write", "update"]))
                size = int(generator.choice([1, 4]))
                count = int(generator.integers(1, 5))
                if generator.random() < 0.5:
                    first = int(generator.integers(length // size - count))
                    lanes = np.arange(first, first + count)
                else:
                    lanes = generator.choice(length // size, count, replace=False)
                addresses = (start + lanes * size).astype(np.uint64)
                touched = {int(address) + byte for address in addresses for byte in range(size)}
                # Two programs may both read a byte, or both update it atomically.
                others = {
                    (byte, other)
                    for other, other_kind, byte in seen
                    if byte in touched and other != program and (kind == "write" or other_kind != kind)
                }
                found = getattr(accesses, kind)(addresses, size, program)
                assert {(conflict.address, conflict.other) for conflict in found} <= others
                # The first race on a byte is always found; later ones on it need not be.
                assert found or {byte for byte, _ in others} <= raced
                raced |= {byte for byte, _ in others}
                seen += [(program, kind, byte) for byte in touched]


def test_layout_knows_rows_from_gaps():
    storage = torch.arange(4 * 6 * 10).view(4, 6, 10)
    for view in (storage, storage[:, 1:4, ::3], storage[1:, :, 2:5], storage.transpose(0, 2), storage[2, 3, 1::9]):
        layout = Layout.of(view)
        held = {(view.data_ptr() - layout.start) + 8 * offset for offset in _element_offsets(view)}
        offsets = np.arange(0, layout.extent - 7, 8)
        assert {int(offset) for offset in offsets[layout.holds(offsets, 8)]} == held
        assert layout.extent == max(held) + 8


def _element_offsets(view):
    index = torch.cartesian_prod(*(torch.arange(length) for length in view.shape)).view(-1, view.ndim)
    return (index * torch.tensor(view.stride())).sum(1).tolist()


@pytest.mark.parametrize(
    ("grid", "past"),
    [
        ((2**31 - 1, 65_535, 65_535), []),
        ((2**31, 1, 1), [("x", 2**31)]),
        ((1, 65_536, 70_000), [("y", 65_536), ("z", 70_000)]),
        ((0, 65_536, 1), []),
    ],
)
def test_grid_limits(grid, past):
    assert axes_past_limits(grid) == past


@pytest.mark.parametrize(("bad", "error"), [(3, TypeError), (torch.empty(1, device="meta"), ValueError)])
def test_bad_read_only_tensors_are_named(bad: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="read_only\\['buf'\\]"), CheckedInterpreter().watch(read_only={"buf": bad}):
        pass
