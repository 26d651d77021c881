"""Numbers that contradict each other, too large for the catalogue: the one program that once went astray is run."""

import pytest
import triton

if not triton.knobs.runtime.interpret:
    pytest.skip("the checked interpreter needs TRITON_INTERPRET=1", allow_module_level=True)

import kernels
from tests.instruments.proof.replay import Counterexample, replayed

USUAL = {"page_stride": 8_448, "byte_stride": 1, "table_step": 1, "lengths_stride": 1, "num_pages": 16}
LONG = 1 << 22


def wild_accesses(
    batch: int, seq_len_sum: int, max_seq_len: int, device_length: int, program: tuple[int, int, int], misaligned: int
) -> list[str]:
    """Run one program of `get_s` with all of the device's lengths alike, and return what it did wrong."""
    pages = -(-max_seq_len // 64)
    sizes = {"batch": batch, "max_pages": pages, "table_stride": pages}
    numbers = {**USUAL, **sizes, "seq_len_sum": seq_len_sum, "max_seq_len": max_seq_len}
    setting = {"page_size": 64, "index_head_dim": 128, "table_dtype": "int32", "lens_dtype": "int64"}
    lengths = [("seq_lens", 8 * sequence, 8, device_length) for sequence in range(batch if device_length else 0)]
    kind, root = ("write", "result_0") if device_length else ("read", "page_indices")
    example = Counterexample(numbers, {**setting, "misaligned": misaligned}, program, kind, root, lengths)
    return replayed(kernels.get_s, example, of_undefined=False)


@pytest.mark.parametrize(
    ("batch", "seq_len_sum", "max_seq_len", "device_length", "program", "misaligned"),
    [
        pytest.param(65_537, 2_143_354_946, 194, 0, (33_554_433, 0, 0), 0, id="more-rows-than-sequences-can-have"),
        pytest.param(1_049, 2_200_000_000, LONG, LONG, (0, 1_048, 0), 0, id="rows-past-2-31-of-the-end"),
        pytest.param(511, 1_080_000_000, LONG, LONG, (0, 510, 0), 1, id="bytes-past-2-31-of-the-end"),
    ],
)
def test_no_program_leaves_its_memory(batch, seq_len_sum, max_seq_len, device_length, program, misaligned):
    assert not wild_accesses(batch, seq_len_sum, max_seq_len, device_length, program, misaligned)


def test_such_a_program_would_be_seen(monkeypatch):
    """With the count of tiles as it once was, which followed the host's sum alone."""
    plan = kernels.launch.plan_launch
    monkeypatch.setattr(
        kernels.launch,
        "plan_launch",
        lambda *asked: plan(*asked)._replace(grid=((asked[3] + asked[2] * 63) // 64, 1)),
    )
    kernels.launch._calls.clear()
    assert wild_accesses(65_537, 2_143_354_946, 194, 0, (33_554_433, 0, 0), 0)
    kernels.launch._calls.clear()
