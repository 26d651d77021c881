"""Correct K/S gathers that move whole rectangles: by tensor descriptors, and by block pointers."""

import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor

from .correct import launched, page_grid, word_view


@triton.jit
def _rows_before(seq_lens_ptr, sequence, BATCH_BLOCK: tl.constexpr):
    """The first result row of a sequence."""
    before = tl.arange(0, BATCH_BLOCK)
    return tl.sum(tl.load(seq_lens_ptr + before, mask=before < sequence, other=0))


@triton.jit
def _descriptor_kernel(
    buf_ptr,
    scales,
    page_indices_ptr,
    seq_lens_ptr,
    k_ptr,
    s_ptr,
    num_pages,
    table_stride,
    page_words,
    s_start,
    PAGE_SIZE: tl.constexpr,
    HEAD: tl.constexpr,
    SCALE: tl.constexpr,
    BATCH_BLOCK: tl.constexpr,
):
    sequence = tl.program_id(0)
    first_token = tl.program_id(1) * PAGE_SIZE
    seq_len = tl.load(seq_lens_ptr + sequence)
    if first_token >= seq_len:
        return
    row = (_rows_before(seq_lens_ptr, sequence, BATCH_BLOCK) + first_token).to(tl.int64)
    page = tl.load(page_indices_ptr + sequence.to(tl.int64) * table_stride + tl.program_id(1)).to(tl.int32)
    keys = tl.make_tensor_descriptor(
        buf_ptr, shape=[num_pages, page_words], strides=[page_words, 1], block_shape=[1, PAGE_SIZE * HEAD]
    )
    k = keys.load([page, 0]).reshape([PAGE_SIZE * HEAD])
    s = scales.load([page, s_start]).reshape([PAGE_SIZE * SCALE])
    tokens = tl.minimum(seq_len - first_token, PAGE_SIZE)
    k_lanes = tl.arange(0, PAGE_SIZE * HEAD)
    s_lanes = tl.arange(0, PAGE_SIZE * SCALE)
    tl.store(k_ptr + row * HEAD + k_lanes, k, mask=k_lanes < tokens * HEAD)
    tl.store(s_ptr + row * SCALE + s_lanes, s, mask=s_lanes < tokens * SCALE)


@triton.jit
def _block_pointer_kernel(
    buf_ptr,
    page_indices_ptr,
    seq_lens_ptr,
    k_ptr,
    s_ptr,
    num_pages,
    table_stride,
    page_words,
    s_start,
    PAGE_SIZE: tl.constexpr,
    HEAD: tl.constexpr,
    SCALE: tl.constexpr,
    BATCH_BLOCK: tl.constexpr,
):
    sequence = tl.program_id(0)
    first_token = tl.program_id(1) * PAGE_SIZE
    seq_len = tl.load(seq_lens_ptr + sequence)
    if first_token >= seq_len:
        return
    first_row = _rows_before(seq_lens_ptr, sequence, BATCH_BLOCK)
    row = (first_row + first_token).to(tl.int32)
    end = first_row + seq_len
    page = tl.load(page_indices_ptr + sequence.to(tl.int64) * table_stride + tl.program_id(1)).to(tl.int32)
    keys = tl.make_block_ptr(
        buf_ptr, (num_pages, page_words), (page_words, 1), (page, 0), (1, PAGE_SIZE * HEAD), (1, 0)
    )
    k = tl.load(keys, boundary_check=(0, 1), padding_option="zero")
    scales = tl.advance(
        tl.make_block_ptr(buf_ptr, (num_pages, page_words), (page_words, 1), (page, 0), (1, PAGE_SIZE * SCALE), (1, 0)),
        (0, s_start),
    )
    s = tl.load(scales, boundary_check=(0, 1), padding_option="zero")
    k_to = tl.make_block_ptr(k_ptr, (end * HEAD,), (1,), (row * HEAD,), (PAGE_SIZE * HEAD,), (0,))
    s_to = tl.make_block_ptr(s_ptr, (end * SCALE,), (1,), (row * SCALE,), (PAGE_SIZE * SCALE,), (0,))
    tl.store(k_to, k.reshape([PAGE_SIZE * HEAD]), boundary_check=(0,))
    tl.store(s_to, s.reshape([PAGE_SIZE * SCALE]), boundary_check=(0,))


def gather_by_descriptors(word_bytes, *arguments):
    """A page a program; keys by a descriptor made in the kernel, scales by one made on the host."""
    words = word_view(arguments[0], word_bytes)
    scales = TensorDescriptor(words, list(words.shape), list(words.stride()), [1, arguments[5] * 4 // word_bytes])
    return launched(_descriptor_kernel, page_grid(arguments), word_bytes, arguments, before=(scales,))


def gather_by_block_pointers(word_bytes, *arguments):
    """A page a program, through block pointers on both sides. Newer Tritons have none."""
    return launched(_block_pointer_kernel, page_grid(arguments), word_bytes, arguments)
