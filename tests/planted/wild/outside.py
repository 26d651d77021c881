"""Kernels that read or write outside a tensor, or where they must not write."""

import torch
import triton
import triton.language as tl

from .planted import ints, launched, planted, planted_in, space

_STORAGE = torch.arange(12, dtype=torch.int32)


@planted("read outside", "src", (1,), "1 byte at 0 past the end of src")
@launched(2, reads={"src": space(120, dtype=torch.uint8)[:119]}, rest=(space(119, dtype=torch.uint8), 119, 64))
@triton.jit
def read_one_byte_past(src_ptr, out_ptr, n, BLOCK: tl.constexpr):
    lanes = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(src_ptr + lanes, mask=lanes <= n, other=0)  # BUG
    tl.store(out_ptr + lanes, x, mask=lanes < n)


@planted("read outside", "buf", (1,), "4 bytes at 128 before the start of buf")
@launched(2, reads={"buf": space(4, 32), "page_indices": ints(3, -1)}, rest=(space(2, 32), 32))
@triton.jit
def read_before_start(src_ptr, pages_ptr, out_ptr, BLOCK: tl.constexpr):
    page = tl.load(pages_ptr + tl.program_id(0))
    lanes = tl.arange(0, BLOCK)
    x = tl.load(src_ptr + page.to(tl.int64) * BLOCK + lanes)  # BUG
    tl.store(out_ptr + tl.program_id(0) * BLOCK + lanes, x)


@planted("write outside", "out", (0, 1), "wrote 4 bytes at 0 past the end of out")
@launched(1, 2, reads={}, rest=(space(100), 100, 64))
@triton.jit
def write_past_result(out_ptr, n, BLOCK: tl.constexpr):
    lanes = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + lanes, lanes)  # BUG


@planted("write outside", "counter", (0,), "updated 4 bytes at 0 past the end")
@launched(1, reads={}, rest=(space(3), 4))
@triton.jit
def add_past_counter(counter_ptr, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    tl.atomic_add(counter_ptr + lanes, 1)  # BUG


@planted("write outside", "lock", (1,), "updated 4 bytes at 0 past the end of lock")
@launched(2, reads={}, rest=(space(2),))
@triton.jit
def swap_past_lock(lock_ptr):
    tl.atomic_cas(lock_ptr + 1 + tl.program_id(0), 0, 1)  # BUG


@planted("read outside", "", (0,), "at address 0x1000, which is in no tensor")
@launched(1, reads={"addresses": ints(4096, dtype=torch.int64)}, rest=(space(1),))
@triton.jit
def follow_stray_pointer(addresses_ptr, out_ptr):
    source = tl.load(addresses_ptr).to(tl.pointer_type(tl.int32))
    tl.store(out_ptr, tl.load(source))  # BUG


# What follows `right` in memory is `left`, and no excuse.
@planted("read outside", "right", (0,), "read 4 bytes at 0 past the end of right")
@launched(1, reads={"left": _STORAGE[3:7], "right": _STORAGE[:3]}, rest=(space(8), 4, 8))
@triton.jit
def past_the_second_of_two(left_ptr, right_ptr, out_ptr, half, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    source = tl.where(lanes < half, left_ptr + lanes, right_ptr + lanes - half)
    tl.store(out_ptr + lanes, tl.load(source))  # BUG


@planted("read outside", "buf", (1,), "4 bytes at 0 past the end of buf")
@launched(2, reads={"buf": space(3, 16)}, rest=(space(4, 16), 3, 16))
@triton.jit
def descriptor_past_end(src_ptr, out_ptr, rows, COLUMNS: tl.constexpr):
    src = tl.make_tensor_descriptor(src_ptr, shape=[rows + 1, COLUMNS], strides=[COLUMNS, 1], block_shape=[2, COLUMNS])
    x = src.load([tl.program_id(0) * 2, 0])  # BUG
    lanes = tl.arange(0, 2 * COLUMNS)
    tl.store(out_ptr + tl.program_id(0) * 2 * COLUMNS + lanes, x.reshape([2 * COLUMNS]))


@planted("read outside", "buf", (1,), "4 bytes at 0 past the end of buf")
@launched(2, reads={"buf": space(40)}, rest=(space(40), 40, 32))
@triton.jit
def block_pointer_past_end(src_ptr, out_ptr, n, BLOCK: tl.constexpr):
    start = tl.program_id(0) * BLOCK
    block = tl.make_block_ptr(src_ptr, shape=(n,), strides=(1,), offsets=(start,), block_shape=(BLOCK,), order=(0,))
    x = tl.load(block)  # BUG
    lanes = start + tl.arange(0, BLOCK)
    tl.store(out_ptr + lanes, x, mask=lanes < n)


@planted("read-only write", "page_indices", (0,), "page_indices must not be written")
@launched(4, reads={"page_indices": ints(0, 1, 2, 3)}, rest=(space(4),))
@triton.jit
def write_table(table_ptr, out_ptr):
    entry = tl.load(table_ptr + tl.program_id(0))
    tl.store(out_ptr + tl.program_id(0), entry)
    tl.store(table_ptr + tl.program_id(0), entry)  # BUG


@planted("write into gap", "out", (0,), "a gap between its rows")
@launched(2, reads={}, rest=(space(3, 48)[:, :31], 48, 32))
@triton.jit
def write_between_rows(out_ptr, row_stride, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    tl.store(out_ptr + tl.program_id(0) * row_stride + lanes, lanes)  # BUG


PLANTED = planted_in(vars())
