"""Does a laptop have the memory? What the largest cases have resident, measured, and that the measure is one."""

import pytest

from tests.cases.case import Case
from tests.cases.catalogue import catalogue
from tests.cases.plan import num_pages_of
from tests.self import commands

GIB = 2**30
LIMIT = 6 * GIB


def mapped_bytes(case: Case) -> int:
    """Return the bytes of a case's pool and table."""
    pool = num_pages_of(case) * case.page_pitch
    return pool + len(case.seq_lens) * (case.table_width or 0) * 4


ON_CPU = [case for case in catalogue(seed_count=0) if not case.needs_gpu]
LARGEST = {
    "pools": max((c for c in ON_CPU if c.family == "pools"), key=mapped_bytes),
    "tables": max((c for c in ON_CPU if c.family == "tables"), key=mapped_bytes),
    "results": max(ON_CPU, key=lambda case: case.seq_len_sum * (case.index_head_dim + 4)),
}


def run(code: str) -> str:
    done = commands.python("-c", code, TRITON_INTERPRET="1")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{what}-{case.id}") for what, case in LARGEST.items()])
def test_the_largest_cases_fit_a_laptop(case):
    # One function: a case has no more memory for the next.
    code = f"from tests.self.peak_memory import costs; print(*next(costs([{case.id!r}], 'kernels:get_k_and_s'))[1])"
    peak_bytes, _, succeeded = run(code).split()
    assert succeeded == "True"
    assert int(peak_bytes) <= LIMIT


def test_what_is_touched_is_measured_and_what_is_mapped_is_not():
    code = """
from tests.self.peak_memory import cost_of
import mmap
def touch(): held = bytearray(b'1' * 300_000_000)
def map_only(): held = mmap.mmap(-1, 1 << 34, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
def fail(): raise ValueError
print(cost_of(touch).peak_bytes, cost_of(map_only).peak_bytes, cost_of(fail).succeeded)
"""
    touched, mapped, succeeded = run(code).split()
    assert 300_000_000 < int(touched) < GIB
    assert int(mapped) < 200_000_000
    assert succeeded == "False"
