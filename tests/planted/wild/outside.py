"""Kernels that read or write outside a tensor, or where they must not write."""

import torch
import triton
import triton.language as tl

from .planted import Planted, Prepared


@triton.jit
def read_one_byte_past(src_ptr, out_ptr, n, BLOCK: tl.constexpr):
    lanes = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(src_ptr + lanes, mask=lanes <= n, other=0)  # BUG
    tl.store(out_ptr + lanes, x, mask=lanes < n)


def _read_one_byte_past() -> Prepared:
    src = torch.zeros(120, dtype=torch.uint8)
    out = torch.empty(119, dtype=torch.uint8)
    view = src[:119]
    return {"src": view}, lambda: read_one_byte_past[(2,)](view, out, 119, BLOCK=64)


@triton.jit
def read_before_start(src_ptr, pages_ptr, out_ptr, BLOCK: tl.constexpr):
    page = tl.load(pages_ptr + tl.program_id(0))
    lanes = tl.arange(0, BLOCK)
    x = tl.load(src_ptr + page.to(tl.int64) * BLOCK + lanes)  # BUG
    tl.store(out_ptr + tl.program_id(0) * BLOCK + lanes, x)


def _read_before_start() -> Prepared:
    buf = torch.zeros(4, 32, dtype=torch.int32)
    pages = torch.tensor([3, -1], dtype=torch.int32)
    out = torch.empty(2, 32, dtype=torch.int32)
    return {"buf": buf, "page_indices": pages}, lambda: read_before_start[(2,)](buf, pages, out, BLOCK=32)


@triton.jit
def write_past_result(out_ptr, n, BLOCK: tl.constexpr):
    lanes = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + lanes, lanes)  # BUG


def _write_past_result() -> Prepared:
    out = torch.empty(100, dtype=torch.int32)
    return {}, lambda: write_past_result[(1, 2)](out, 100, BLOCK=64)


@triton.jit
def add_past_counter(counter_ptr, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    tl.atomic_add(counter_ptr + lanes, 1)  # BUG


def _add_past_counter() -> Prepared:
    counter = torch.zeros(3, dtype=torch.int32)
    return {}, lambda: add_past_counter[(1,)](counter, BLOCK=4)


@triton.jit
def swap_past_lock(lock_ptr):
    tl.atomic_cas(lock_ptr + 1 + tl.program_id(0), 0, 1)  # BUG


def _swap_past_lock() -> Prepared:
    lock = torch.zeros(2, dtype=torch.int32)
    return {}, lambda: swap_past_lock[(2,)](lock)


@triton.jit
def follow_stray_pointer(addresses_ptr, out_ptr):
    source = tl.load(addresses_ptr).to(tl.pointer_type(tl.int32))
    tl.store(out_ptr, tl.load(source))  # BUG


def _follow_stray_pointer() -> Prepared:
    addresses = torch.tensor([4096], dtype=torch.int64)
    out = torch.empty(1, dtype=torch.int32)
    return {"addresses": addresses}, lambda: follow_stray_pointer[(1,)](addresses, out)


@triton.jit
def past_the_second_of_two(left_ptr, right_ptr, out_ptr, half, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    source = tl.where(lanes < half, left_ptr + lanes, right_ptr + lanes - half)
    tl.store(out_ptr + lanes, tl.load(source))  # BUG


def _past_the_second_of_two() -> Prepared:
    storage = torch.arange(12, dtype=torch.int32)
    # What follows `right` in memory is `left`, and no excuse.
    right, left = storage[:3], storage[3:7]
    out = torch.empty(8, dtype=torch.int32)
    return {"left": left, "right": right}, lambda: past_the_second_of_two[(1,)](left, right, out, 4, BLOCK=8)


@triton.jit
def descriptor_past_end(src_ptr, out_ptr, rows, COLUMNS: tl.constexpr):
    src = tl.make_tensor_descriptor(src_ptr, shape=[rows + 1, COLUMNS], strides=[COLUMNS, 1], block_shape=[2, COLUMNS])
    x = src.load([tl.program_id(0) * 2, 0])  # BUG
    lanes = tl.arange(0, 2 * COLUMNS)
    tl.store(out_ptr + tl.program_id(0) * 2 * COLUMNS + lanes, x.reshape([2 * COLUMNS]))


def _descriptor_past_end() -> Prepared:
    buf = torch.zeros(3, 16, dtype=torch.int32)
    out = torch.empty(4, 16, dtype=torch.int32)
    return {"buf": buf}, lambda: descriptor_past_end[(2,)](buf, out, 3, COLUMNS=16)


@triton.jit
def block_pointer_past_end(src_ptr, out_ptr, n, BLOCK: tl.constexpr):
    start = tl.program_id(0) * BLOCK
    block = tl.make_block_ptr(src_ptr, shape=(n,), strides=(1,), offsets=(start,), block_shape=(BLOCK,), order=(0,))
    x = tl.load(block)  # BUG
    lanes = start + tl.arange(0, BLOCK)
    tl.store(out_ptr + lanes, x, mask=lanes < n)


def _block_pointer_past_end() -> Prepared:
    buf = torch.zeros(40, dtype=torch.int32)
    out = torch.empty(40, dtype=torch.int32)
    return {"buf": buf}, lambda: block_pointer_past_end[(2,)](buf, out, 40, BLOCK=32)


@triton.jit
def write_table(table_ptr, out_ptr):
    entry = tl.load(table_ptr + tl.program_id(0))
    tl.store(out_ptr + tl.program_id(0), entry)
    tl.store(table_ptr + tl.program_id(0), entry)  # BUG


def _write_table() -> Prepared:
    table = torch.arange(4, dtype=torch.int32)
    out = torch.empty(4, dtype=torch.int32)
    return {"page_indices": table}, lambda: write_table[(4,)](table, out)


@triton.jit
def write_between_rows(out_ptr, row_stride, BLOCK: tl.constexpr):
    lanes = tl.arange(0, BLOCK)
    tl.store(out_ptr + tl.program_id(0) * row_stride + lanes, lanes)  # BUG


def _write_between_rows() -> Prepared:
    out = torch.empty(3, 48, dtype=torch.int32)[:, :31]
    return {}, lambda: write_between_rows[(2,)](out, out.stride(0), BLOCK=32)


PLANTED = (
    Planted(
        read_one_byte_past,
        _read_one_byte_past,
        "read outside",
        "src",
        (1,),
        "1 byte at 0 past the end of src",
    ),
    Planted(
        read_before_start,
        _read_before_start,
        "read outside",
        "buf",
        (1,),
        "4 bytes at 128 before the start of buf",
    ),
    Planted(
        write_past_result,
        _write_past_result,
        "write outside",
        "out",
        (0, 1),
        "wrote 4 bytes at 0 past the end of out",
    ),
    Planted(
        add_past_counter,
        _add_past_counter,
        "write outside",
        "counter",
        (0,),
        "updated 4 bytes at 0 past the end",
    ),
    Planted(
        swap_past_lock,
        _swap_past_lock,
        "write outside",
        "lock",
        (1,),
        "updated 4 bytes at 0 past the end of lock",
    ),
    Planted(
        follow_stray_pointer,
        _follow_stray_pointer,
        "read outside",
        "",
        (0,),
        "at address 0x1000, which is in no tensor",
    ),
    Planted(
        past_the_second_of_two,
        _past_the_second_of_two,
        "read outside",
        "right",
        (0,),
        "read 4 bytes at 0 past the end of right",
    ),
    Planted(
        descriptor_past_end,
        _descriptor_past_end,
        "read outside",
        "buf",
        (1,),
        "4 bytes at 0 past the end of buf",
    ),
    Planted(write_table, _write_table, "read-only write", "page_indices", (0,), "page_indices must not be written"),
    Planted(write_between_rows, _write_between_rows, "write into gap", "out", (0,), "a gap between its rows"),
)
# Newer Tritons have no block pointers.
PLANTED_BLOCK_POINTERS = (
    Planted(
        block_pointer_past_end,
        _block_pointer_past_end,
        "read outside",
        "buf",
        (1,),
        "4 bytes at 0 past the end of buf",
    ),
)
