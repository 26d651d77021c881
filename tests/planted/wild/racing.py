"""Kernels whose programs touch each other's bytes."""

import torch
import triton
import triton.language as tl

from .planted import ints, launched, planted, planted_in, space

_WORDS = space(2)


@planted("race", "out", (1,), "wrote byte 60 of out")
@launched(2, reads={}, rest=(space(31), 16))
@triton.jit
def overlapping_tiles(out_ptr, BLOCK: tl.constexpr):
    lanes = tl.program_id(0) * (BLOCK - 1) + tl.arange(0, BLOCK)
    tl.store(out_ptr + lanes, lanes)  # BUG


@planted("race", "out", (0, 1), "program (0, 0) of the same launch wrote it")
@launched(1, 2, reads={"rows": ints(7, 0, 2, 9, 1, 5, 9, 3, dtype=torch.int64)}, rest=(space(10, dtype=torch.uint8), 4))
@triton.jit
def scattered_twice(rows_ptr, out_ptr, BLOCK: tl.constexpr):
    rows = tl.load(rows_ptr + tl.program_id(1) * BLOCK + tl.arange(0, BLOCK))
    tl.store(out_ptr + rows, rows.to(tl.uint8))  # BUG


@planted("race", "words", (1,), "wrote byte 6 of words")
@launched(2, reads={}, rest=(_WORDS.view(torch.uint8), _WORDS))
@triton.jit
def two_views_of_one_result(bytes_ptr, words_ptr):
    if tl.program_id(0) == 0:
        tl.store(bytes_ptr + 6, 1)
    else:
        tl.store(words_ptr + 1, 2)  # BUG


@planted("race", "work", (1,), "program (0) of the same launch read it")
@launched(3, reads={}, rest=(space(3), space(3), 3))
@triton.jit
def read_of_a_later_write(work_ptr, out_ptr, n):
    row = tl.program_id(0)
    following = tl.load(work_ptr + row + 1, mask=row + 1 < n, other=0)
    tl.store(out_ptr + row, following)
    tl.store(work_ptr + row, row)  # BUG


@planted("race", "work", (1,), "program (0) of the same launch wrote")
@launched(3, reads={}, rest=(space(3), space(3)))
@triton.jit
def read_of_an_earlier_write(work_ptr, out_ptr):
    row = tl.program_id(0)
    tl.store(work_ptr + row, row)
    previous = tl.load(work_ptr + row - 1, mask=row > 0, other=0)  # BUG
    tl.store(out_ptr + row, previous)


@planted("race", "counter", (1,), "program (0) of the same launch updated it")
@launched(2, reads={}, rest=(space(1),))
@triton.jit
def counter_reset(counter_ptr):
    tl.atomic_add(counter_ptr, 1)
    if tl.program_id(0) == 1:
        tl.store(counter_ptr, 0)  # BUG


@launched(4, reads={}, rest=(space(1), space(4)))
@triton.jit
def shared_counter(counter_ptr, out_ptr):
    """Atomics on one counter, and a byte that one program alone writes twice: no race."""
    row = tl.program_id(0)
    tl.atomic_add(counter_ptr, row)
    tl.store(out_ptr + row, row)
    tl.store(out_ptr + row, tl.load(out_ptr + row) + 1)


PLANTED = planted_in(vars())
