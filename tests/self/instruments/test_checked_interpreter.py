"""The checked interpreter is silent on correct kernels, and names each planted bug."""

from dataclasses import replace

import pytest
import torch
import triton
from triton.runtime import interpreter

if not triton.knobs.runtime.interpret:
    pytest.skip("the checked interpreter needs TRITON_INTERPRET=1", allow_module_level=True)

from tests.instruments.checked_interpreter import CheckedInterpreter
from tests.planted.wild import machine, outside, racing, undefined, wrapping

HAS_BLOCK_POINTERS = hasattr(interpreter, "BlockPointerHandle")
needs_block_pointers = pytest.mark.skipif(not HAS_BLOCK_POINTERS, reason="this Triton has no block pointers")
pytestmark = pytest.mark.filterwarnings("ignore:tl.make_block_ptr is deprecated:UserWarning")

PLANTED = [
    pytest.param(
        bug, id=f"{bug.name}-{index}", marks=needs_block_pointers if bug is outside.block_pointer_past_end else ()
    )
    for module in (outside, undefined, wrapping, racing, machine)
    for index, bug in enumerate(module.PLANTED)
]


def run(launch, **options):
    with CheckedInterpreter(**options).watch(read_only=launch.reads) as seen:
        launch()
    return seen


@pytest.mark.parametrize("bug", PLANTED)
def test_planted_bug_is_named(bug):
    seen = run(bug)
    found = seen.violations
    assert [(v.kind, v.tensor, v.program_id) for v in found] == [(bug.kind, bug.tensor, bug.program_id)], found
    (violation,) = found
    assert violation.source_line == bug.line
    assert violation.source_file.endswith(".py")
    assert bug.text in violation.message
    assert f"line {bug.line}" in violation.message


def test_message_is_in_the_users_terms():
    (found,) = run(outside.read_before_start).violations
    assert found.message == (
        f"program (1) read 4 bytes at 128 before the start of buf, in outside.py line {found.source_line} (32 lanes)"
    )
    assert (found.operation, found.offset, found.count) == ("read", -128, 32)


def test_repeats_are_merged():
    table = torch.arange(64, dtype=torch.int32)
    out = torch.empty(64, dtype=torch.int32)
    with CheckedInterpreter().watch(read_only={"table": table}) as seen:
        outside.write_table.kernel[(64,)](table, out)
    (found,) = seen.violations
    assert found.count == 64


def test_refused_accesses_touch_nothing():
    storage = torch.full((200,), 7, dtype=torch.int32)
    out = storage[:100]
    with CheckedInterpreter().watch() as seen:
        outside.write_past_result.kernel[(1, 2)](out, 100, BLOCK=64)
    assert [found.kind for found in seen.violations] == ["write outside"]
    assert torch.equal(storage[:100], torch.arange(100, dtype=torch.int32))
    assert (storage[100:] == 7).all()
    table = torch.arange(4, dtype=torch.int32)
    with CheckedInterpreter().watch(read_only={"table": table}):
        outside.write_past_result.kernel[(1, 1)](table, 4, BLOCK=64)
    assert torch.equal(table, torch.arange(4, dtype=torch.int32))


def test_read_only_tensor_inside_a_wider_argument():
    storage = torch.full((64,), 7, dtype=torch.int32)
    table = storage[40:44]
    with CheckedInterpreter().watch(read_only={"table": table}) as seen:
        outside.write_past_result.kernel[(1, 1)](storage, 64, BLOCK=64)
    (found,) = seen.violations
    assert (found.kind, found.tensor, found.offset, found.count) == ("read-only write", "out", 160, 4)
    assert "table must not be written" in found.message
    assert (table == 7).all()
    assert torch.equal(storage[:40], torch.arange(40, dtype=torch.int32))


def test_result_between_the_rows_of_a_read_only_tensor():
    storage = torch.zeros(2, 64, dtype=torch.int32)
    buf, out = storage[:, :32], storage[:, 32:]
    with CheckedInterpreter().watch(read_only={"buf": buf}) as seen:
        outside.write_between_rows.kernel[(2,)](out, out.stride(0), BLOCK=32)
    assert seen.violations == []
    assert torch.equal(out, torch.arange(32, dtype=torch.int32).expand(2, 32))
    assert (buf == 0).all()


def test_refused_load_gives_poison_and_blames_nobody_else():
    pages = torch.tensor([1], dtype=torch.int32)
    buf = torch.zeros(2, 32, dtype=torch.int32)
    out = torch.empty(2, 32, dtype=torch.int32)
    with CheckedInterpreter().watch(read_only={"buf": buf, "pages": pages}) as seen:
        outside.read_before_start.kernel[(2,)](buf, pages, out, BLOCK=32)
    assert [(found.tensor, found.count) for found in seen.violations] == [("pages", 1)]
    assert (out[1] != 0).all()


def test_defined_uses_of_masked_loads_are_clean():
    launch = undefined.defined_after_all
    assert run(launch).violations == []
    assert torch.equal(launch.rest[0], launch.reads["seq_lens"] + 15 + 15 + 5 + 8 + 3)


def test_undefined_lanes_are_random_and_reproducible():
    def stored(seed, **options):
        buf = torch.ones(40, dtype=torch.uint8)
        out = torch.zeros(64, dtype=torch.uint8)
        run(replace(undefined.undefined_bytes_kept, reads={"buf": buf}, rest=(out, 40, 32)), seed=seed, **options)
        assert (out[:40] == 1).all()
        return out[40:].tolist()

    assert stored(1) == stored(1)
    assert stored(1) != stored(2)
    assert 0 not in stored(1)
    assert stored(1, undefined_as_zero=True) == [0] * 24


def test_undefined_as_zero_reports_where_zero_leads():
    lens, out = torch.tensor([3]), torch.empty(0, dtype=torch.int32)
    with CheckedInterpreter(undefined_as_zero=True).watch(read_only={"seq_lens": lens}) as seen:
        undefined.sum_of_undefined.kernel[(1,)](lens, out, BLOCK=1)
    assert [found.kind for found in seen.violations] == ["undefined value", "write outside"]


def test_harmless_wraps_are_clean():
    assert run(wrapping.harmless_wraps).violations == []


def test_atomics_and_own_bytes_are_no_race():
    counter, out = torch.zeros(1, dtype=torch.int32), torch.empty(4, dtype=torch.int32)
    assert run(replace(racing.shared_counter, rest=(counter, out))).violations == []
    assert counter.item() == 6
    assert out.tolist() == [1, 2, 3, 4]


def test_true_hints_are_clean():
    launch = machine.true_hints
    assert run(launch).violations == []
    assert torch.equal(launch.rest[0], launch.reads["buf"] + launch.reads["buf"] // 4)


def test_grid_past_a_limit():
    out = torch.empty(65_536, dtype=torch.int32)
    with CheckedInterpreter().watch() as seen:
        machine.token_on_y[(1, 65_536)](out)
    (found,) = seen.violations
    assert found.kind == "grid limit"
    assert "65,536 programs on y, past the limit of 65,535" in found.message
    assert seen.launches == [("token_on_y", (1, 65_536))]
    assert seen.programs == 0


def test_the_interpreter_is_untouched_outside_a_watch():
    def state():
        builder, semantic = interpreter.interpreter_builder, interpreter.interpreter_semantic
        language = triton.language
        return (
            type(builder),
            type(semantic),
            interpreter.TensorHandle,
            interpreter.InterpretedFunction.run,
            interpreter.InterpretedFunction.__call__,
            language.load,
            language.reduce,
            language.core.tensor.__add__,
            language.core.tensor.__init__,
            set(vars(builder)) & {"state", "other_given"},
        )

    def fail_in_a_watch():
        with CheckedInterpreter().watch():
            outside.write_table.kernel[(1,)](table, None)

    before = state()
    table, out = torch.arange(4, dtype=torch.int32), torch.empty(4, dtype=torch.int32)
    with CheckedInterpreter().watch() as outer:
        with CheckedInterpreter().watch() as inner:
            outside.write_table.kernel[(4,)](table, out)
        with pytest.raises(triton.runtime.errors.InterpreterError):
            fail_in_a_watch()
        outside.write_table.kernel[(4,)](table, out)
    assert state() == before
    assert [name for name, _ in inner.launches] == ["write_table"]
    assert len(outer.launches) == 1
    out.zero_()
    outside.write_table.kernel[(4,)](table, out)
    assert torch.equal(out, table)
