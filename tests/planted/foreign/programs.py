"""Triton kernels that the stand-ins share: a program a row of the result."""

import triton
import triton.language as tl


@triton.jit
def gather_by_table(
    k_ptr,
    s_ptr,
    out_k_ptr,
    out_s_ptr,
    table_ptr,
    cu_ptr,
    k_page_stride,
    s_page_stride,
    table_stride,
    batch,
    PAGE: tl.constexpr,
    DIM: tl.constexpr,
    LANES: tl.constexpr,
    SCALE: tl.constexpr,
    TILE: tl.constexpr,
):
    """Find the row's sequence among cumulative lengths, by halves; keys of 16x16 tiles where `TILE` is 16."""
    row = tl.program_id(0)
    low, high = 0, batch
    while low + 1 < high:
        middle = (low + high) // 2
        if tl.load(cu_ptr + middle) <= row:
            low = middle
        else:
            high = middle
    token = row - tl.load(cu_ptr + low)
    page = tl.load(table_ptr + low * table_stride + token // PAGE).to(tl.int64)
    slot = token % PAGE
    lane = tl.arange(0, LANES)
    if TILE > 1:
        place = slot // TILE * TILE * DIM + lane // TILE * TILE * TILE + slot % TILE * TILE + lane % TILE
    else:
        place = slot * DIM + lane
    k = tl.load(k_ptr + page * k_page_stride + place, mask=lane < DIM)
    tl.store(out_k_ptr + row.to(tl.int64) * DIM + lane, k, mask=lane < DIM)
    byte = tl.arange(0, SCALE)
    s = tl.load(s_ptr + page * s_page_stride + slot * SCALE + byte)
    tl.store(out_s_ptr + row.to(tl.int64) * SCALE + byte, s)


@triton.jit
def gather_by_offsets(
    pool_ptr,
    k_offsets_ptr,
    s_offsets_ptr,
    out_k_ptr,
    out_s_ptr,
    DIM: tl.constexpr,
    LANES: tl.constexpr,
):
    """Copy each row from where its key and its scale begin."""
    row = tl.program_id(0)
    lane, byte = tl.arange(0, LANES), tl.arange(0, 4)
    k = tl.load(pool_ptr + tl.load(k_offsets_ptr + row) + lane, mask=lane < DIM, other=0)
    tl.store(out_k_ptr + row.to(tl.int64) * DIM + lane, k, mask=lane < DIM)
    s = tl.load(pool_ptr + tl.load(s_offsets_ptr + row) + byte)
    tl.store(out_s_ptr + row.to(tl.int64) * 4 + byte, s)


@triton.jit
def gather_by_slots(
    pool_ptr,
    slots_ptr,
    out_k_ptr,
    out_s_ptr,
    token_stride,
    DIM: tl.constexpr,
    LANES: tl.constexpr,
):
    """Copy each row from its token of the pool, whose scale follows its key."""
    row = tl.program_id(0)
    first = pool_ptr + tl.load(slots_ptr + row).to(tl.int64) * token_stride
    lane, byte = tl.arange(0, LANES), tl.arange(0, 4)
    tl.store(
        out_k_ptr + row.to(tl.int64) * DIM + lane, tl.load(first + lane, mask=lane < DIM, other=0), mask=lane < DIM
    )
    tl.store(out_s_ptr + row.to(tl.int64) * 4 + byte, tl.load(first + DIM + byte))


@triton.jit
def gather_by_slot_table(
    pool_ptr,
    table_ptr,
    first_ptr,
    lens_ptr,
    out_k_ptr,
    out_s_ptr,
    token_stride,
    table_stride,
    DIM: tl.constexpr,
    LANES: tl.constexpr,
):
    """Copy a token of each sequence, at the program's place in it, if it is that long."""
    sequence, token = tl.program_id(0), tl.program_id(1)
    if token < tl.load(lens_ptr + sequence):
        row = tl.load(first_ptr + sequence).to(tl.int64) + token
        first = pool_ptr + tl.load(table_ptr + sequence * table_stride + token).to(tl.int64) * token_stride
        lane, byte = tl.arange(0, LANES), tl.arange(0, 4)
        tl.store(out_k_ptr + row * DIM + lane, tl.load(first + lane, mask=lane < DIM, other=0), mask=lane < DIM)
        tl.store(out_s_ptr + row * 4 + byte, tl.load(first + DIM + byte))
