"""Is what the programs of a kernel do noted once, and is each of them checked all the same?"""

import pytest
import torch
import triton
import triton.language as tl

if not triton.knobs.runtime.interpret:
    pytest.skip("the checked interpreter needs TRITON_INTERPRET=1", allow_module_level=True)

from tests.instruments.checked_interpreter import CheckedInterpreter, launch

STEP = tl.constexpr(2)


@triton.jit
def _shifted(number, BY: tl.constexpr):
    return number * STEP + BY


@triton.jit
def scatter_kernel(source_ptr, out_ptr, count, BY: tl.constexpr, BLOCK: tl.constexpr):
    """Each program copies one number; of those below `count` it makes more, in a loop as long as the number says."""
    program = tl.program_id(0)
    lanes = tl.arange(0, BLOCK)
    number = tl.load(source_ptr + program)
    made = tl.sum(tl.where(lanes == 0, number, 0))
    if program < count:
        while made < 4:
            made += 1
    tl.store(out_ptr + tl.multiple_of(_shifted(program, BY), 2), made)


@triton.jit
def product_kernel(source_ptr, out_ptr, width):
    program = tl.program_id(0)
    row = tl.load(source_ptr + program)
    tl.store(out_ptr + program, tl.load(source_ptr + row * width % 4))


@triton.jit
def drawn_kernel(source_ptr, out_ptr):
    program = tl.program_id(0)
    number = tl.load(source_ptr + program, mask=program < 3)
    if number > 1:
        tl.store(out_ptr + program, 1)


@pytest.fixture
def noted(monkeypatch):
    """Return the programs whose Python was gone through."""
    programs, recorder = [], launch.Recorder

    def record(program):
        programs.append(program)
        return recorder(program)

    monkeypatch.setattr(launch, "Recorder", record)
    return programs


def copy(numbers, count=0, by=0, programs=None):
    source = torch.tensor(numbers, dtype=torch.int32)
    out = torch.zeros(2 * len(numbers), dtype=torch.int32)
    with CheckedInterpreter().watch(read_only={"source": source}) as seen:
        scatter_kernel[(programs or len(numbers),)](source, out, count, BY=by, BLOCK=4)
    return seen, out[::2].tolist()


def test_python_runs_once_for_what_programs_have_in_common(noted):
    seen, out = copy([5, 3, 9, 4], count=0)
    assert (out, seen.violations, seen.programs) == ([5, 3, 9, 4], [], 4)
    assert len(noted) <= 1
    seen, out = copy([1, 2, 8, 0, 4, 3], count=4)
    assert (out, seen.violations) == ([4, 4, 8, 4, 4, 3], [])
    # Those of 1, 2 (which ends the loop after fewer rounds), 8 (after none) and 0.
    assert len(noted) <= 5
    assert copy([7, 7, 2, 1], count=2)[1] == [7, 7, 2, 1]
    assert len(noted) <= 5


def test_no_access_happens_twice_where_a_branch_is_new():
    source = torch.arange(4, dtype=torch.int32)
    seen, _ = copy([3, 2, 1, 0], count=4, by=0)
    assert seen.traffic["source"].bytes_read == source.numel() * 4
    assert sum(traffic.bytes_written for traffic in seen.traffic.values()) == source.numel() * 4


def test_what_only_a_later_program_does_wrong_is_told_with_its_line_and_place():
    seen, _ = copy([6, 6, 6], programs=4)
    assert [(found.kind, found.program_id) for found in seen.violations] == [
        ("read outside", (3,)),
        ("write outside", (3,)),
    ]
    read, written = (found.source_line for found in seen.violations)
    lines = scatter_kernel.fn.__code__.co_firstlineno
    assert (read - lines, written - lines) == (5, 10)


def test_a_hint_is_checked_in_each_program():
    # The first program's address is a multiple of 2 with 0 and 2 as well.
    assert copy([1, 1], by=2, programs=1)[0].violations == []
    seen, _ = copy([1, 1, 1], by=1, programs=1)
    assert [found.kind for found in seen.violations] == ["false hint"]


def test_a_product_that_wraps_in_a_later_program_alone_is_told():
    source, out = torch.tensor([0, 1, 0, 2**20], dtype=torch.int32), torch.zeros(4, dtype=torch.int32)
    with CheckedInterpreter().watch(read_only={"source": source}) as seen:
        product_kernel[(4,)](source, out, 2**14)
    (found,) = seen.violations
    assert (found.kind, found.program_id) == ("integer wrap", (3,))
    assert "in test_retrace.py line" in found.message


def test_an_undefined_condition_of_a_later_program_is_told():
    source, out = torch.tensor([2, 0, 2, 2], dtype=torch.int32), torch.zeros(4, dtype=torch.int32)
    with CheckedInterpreter().watch(read_only={"source": source}) as seen:
        drawn_kernel[(4,)](source, out)
    (found,) = seen.violations
    assert (found.kind, found.program_id) == ("undefined value", (3,))
    assert found.message.endswith(f"and reached a condition in test_retrace.py line {found.source_line + 1}")
    assert out.tolist()[:3] == [1, 0, 1]


def test_a_number_of_the_module_is_looked_at_again(monkeypatch):
    assert copy([1, 2])[1] == [1, 2]
    monkeypatch.setitem(scatter_kernel.fn.__globals__, "STEP", tl.constexpr(0))
    assert copy([1, 2])[1] == [2, 0]
