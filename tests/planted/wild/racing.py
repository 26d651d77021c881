"""Kernels whose programs touch each other's bytes."""

import torch
import triton
import triton.language as tl

from .planted import Planted, Prepared


@triton.jit
def overlapping_tiles(out_ptr, BLOCK: tl.constexpr):
    lanes = tl.program_id(0) * (BLOCK - 1) + tl.arange(0, BLOCK)
    tl.store(out_ptr + lanes, lanes)  # BUG


def _overlapping_tiles() -> Prepared:
    out = torch.empty(31, dtype=torch.int32)
    return {}, lambda: overlapping_tiles[(2,)](out, BLOCK=16)


@triton.jit
def scattered_twice(rows_ptr, out_ptr, BLOCK: tl.constexpr):
    rows = tl.load(rows_ptr + tl.program_id(1) * BLOCK + tl.arange(0, BLOCK))
    tl.store(out_ptr + rows, rows.to(tl.uint8))  # BUG


def _scattered_twice() -> Prepared:
    rows = torch.tensor([7, 0, 2, 9, 1, 5, 9, 3], dtype=torch.int64)
    out = torch.empty(10, dtype=torch.uint8)
    return {"rows": rows}, lambda: scattered_twice[(1, 2)](rows, out, BLOCK=4)


@triton.jit
def two_views_of_one_result(bytes_ptr, words_ptr):
    if tl.program_id(0) == 0:
        tl.store(bytes_ptr + 6, 1)
    else:
        tl.store(words_ptr + 1, 2)  # BUG


def _two_views_of_one_result() -> Prepared:
    out = torch.zeros(2, dtype=torch.int32)
    return {}, lambda: two_views_of_one_result[(2,)](out.view(torch.uint8), out)


@triton.jit
def read_of_a_later_write(work_ptr, out_ptr, n):
    row = tl.program_id(0)
    following = tl.load(work_ptr + row + 1, mask=row + 1 < n, other=0)
    tl.store(out_ptr + row, following)
    tl.store(work_ptr + row, row)  # BUG


def _read_of_a_later_write() -> Prepared:
    work = torch.zeros(3, dtype=torch.int32)
    out = torch.empty(3, dtype=torch.int32)
    return {}, lambda: read_of_a_later_write[(3,)](work, out, 3)


@triton.jit
def read_of_an_earlier_write(work_ptr, out_ptr):
    row = tl.program_id(0)
    tl.store(work_ptr + row, row)
    previous = tl.load(work_ptr + row - 1, mask=row > 0, other=0)  # BUG
    tl.store(out_ptr + row, previous)


def _read_of_an_earlier_write() -> Prepared:
    work = torch.zeros(3, dtype=torch.int32)
    out = torch.empty(3, dtype=torch.int32)
    return {}, lambda: read_of_an_earlier_write[(3,)](work, out)


@triton.jit
def counter_reset(counter_ptr):
    tl.atomic_add(counter_ptr, 1)
    if tl.program_id(0) == 1:
        tl.store(counter_ptr, 0)  # BUG


def _counter_reset() -> Prepared:
    counter = torch.zeros(1, dtype=torch.int32)
    return {}, lambda: counter_reset[(2,)](counter)


@triton.jit
def shared_counter(counter_ptr, out_ptr):
    row = tl.program_id(0)
    tl.atomic_add(counter_ptr, row)
    tl.store(out_ptr + row, row)
    tl.store(out_ptr + row, tl.load(out_ptr + row) + 1)


def shared_counter_case() -> tuple[Prepared, torch.Tensor, torch.Tensor]:
    """Atomics on one counter, and a byte that one program alone writes twice: no race."""
    counter = torch.zeros(1, dtype=torch.int32)
    out = torch.empty(4, dtype=torch.int32)
    return ({}, lambda: shared_counter[(4,)](counter, out)), counter, out


PLANTED = (
    Planted(two_views_of_one_result, _two_views_of_one_result, "race", "words", (1,), "wrote byte 6 of words"),
    Planted(overlapping_tiles, _overlapping_tiles, "race", "out", (1,), "wrote byte 60 of out"),
    Planted(scattered_twice, _scattered_twice, "race", "out", (0, 1), "program (0, 0) of the same launch wrote it"),
    Planted(
        read_of_a_later_write,
        _read_of_a_later_write,
        "race",
        "work",
        (1,),
        "program (0) of the same launch read it",
    ),
    Planted(
        read_of_an_earlier_write,
        _read_of_an_earlier_write,
        "race",
        "work",
        (1,),
        "program (0) of the same launch wrote",
    ),
    Planted(counter_reset, _counter_reset, "race", "counter", (1,), "program (0) of the same launch updated it"),
)
