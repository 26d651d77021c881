"""The Triton kernel behind the gathers: one program copies one tile of one sequence."""

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from kernels.layout import SCALE_BYTES

_SCALE_BYTES = tl.constexpr(SCALE_BYTES)

_KEPT_KEY_BYTES = tl.constexpr(8 << 20)
"""Of the results' start, bytes of keys that are kept in the L2, with their scales: a share that stays there whatever
else the call moves, for the kernel that reads or overwrites the results next."""

POINTERS = ("buf_ptr", "page_indices_ptr", "seq_lens_ptr", "k_ptr", "s_ptr")
NUMBERS = (
    "num_pages",
    "page_stride",
    "table_stride",
    "table_step",
    "lengths_stride",
    "batch",
    "num_rows",
    "longest",
)


@triton.jit
def _load_lengths(seq_lens_ptr, lengths_stride, sequence, mask, longest, COUNT: tl.constexpr):
    lengths = tl.load(seq_lens_ptr + sequence.to(tl.int64) * lengths_stride, mask=mask, other=0).to(tl.int64)
    return tl.minimum(tl.maximum(lengths, 0), longest).to(COUNT)


@triton.jit
def _sum_lengths_before(
    seq_lens_ptr, lengths_stride, sequence, longest, LENGTHS_AT_ONCE: tl.constexpr, COUNT: tl.constexpr
):
    start = tl.zeros((), tl.int32)
    rows = tl.zeros((), COUNT)
    while start < sequence:  # Not `for`: triton 3.6's interpreter takes no tensor as a range's end.
        index = start + tl.arange(0, LENGTHS_AT_ONCE)
        rows += tl.sum(_load_lengths(seq_lens_ptr, lengths_stride, index, index < sequence, longest, COUNT))
        start += LENGTHS_AT_ONCE
    return rows


@triton.jit
def _find_tile(
    seq_lens_ptr,
    lengths_stride,
    batch,
    tile,
    longest,
    TILE: tl.constexpr,
    LENGTHS_AT_ONCE: tl.constexpr,
    COUNT: tl.constexpr,
):
    """Return the sequence that tile number `tile` lies in, its length, the rows before it, the tile's first
    token. A tile past the last one gets a length of 0.

    A sum over lanes of which all but the sequence's are 0 stands for a pick of that lane.
    """
    start = tl.zeros((), tl.int32)
    tiles_seen = tl.zeros((), COUNT)
    sequence = tl.zeros((), tl.int32)
    length = tl.zeros((), COUNT)
    rows_before = tl.zeros((), COUNT)
    tiles_before = tl.zeros((), COUNT)
    while (start < batch) & (tiles_seen <= tile):
        index = start + tl.arange(0, LENGTHS_AT_ONCE)
        lengths = _load_lengths(seq_lens_ptr, lengths_stride, index, index < batch, longest, COUNT)
        tiles = (lengths + (TILE - 1)) // TILE
        ends = tiles_seen + tl.cumsum(tiles)
        is_here = (ends > tile) & (ends - tiles <= tile)
        sequence += tl.sum(tl.where(is_here, index, 0))
        length += tl.sum(tl.where(is_here, lengths, 0))
        tiles_before += tl.sum(tl.where(is_here, ends - tiles, 0))
        rows_before += tl.sum(tl.where(ends <= tile, lengths, 0))
        tiles_seen += tl.sum(tiles)
        start += LENGTHS_AT_ONCE
    return sequence, length, rows_before, (tile - tiles_before) * TILE


# Everything that code is specialised on is a constexpr of the signature: Triton's own guesses from values and
# addresses are switched off, so the variants are those that the launcher names.
@triton.jit(do_not_specialize=NUMBERS, do_not_specialize_on_alignment=POINTERS)
def gather_kernel(
    buf_ptr,
    page_indices_ptr,
    seq_lens_ptr,
    k_ptr,
    s_ptr,
    num_pages: tl.int64,
    page_stride: tl.int64,
    table_stride: tl.int64,
    table_step: tl.int64,
    lengths_stride: tl.int64,
    batch: tl.int32,
    num_rows: tl.int64,
    longest: tl.int64,
    PAGE_SIZE: tl.constexpr,
    INDEX_HEAD_DIM: tl.constexpr,
    SOURCE_ALIGNMENT: tl.constexpr,
    RESULT_ALIGNMENT: tl.constexpr,
    TILE: tl.constexpr,
    LENGTHS_AT_ONCE: tl.constexpr,
    RECTANGULAR: tl.constexpr,
    WIDE_COUNTS: tl.constexpr,
    DROP_SOURCE: tl.constexpr,
    GATHER_K: tl.constexpr,
    GATHER_S: tl.constexpr,
    PROGRAMMATIC: tl.constexpr,
):
    """Copy one tile of `TILE` tokens. Pointers are to bytes; `page_stride` counts bytes, the others elements.

    `SOURCE_ALIGNMENT` (1, 4 or 16 bytes) holds for every page's start, `RESULT_ALIGNMENT` for both results'.

    The device's lengths decide what is copied, the host's `num_rows` and `longest` bound it: where they
    disagree, rows stay unwritten or are cut off, and nothing outside the arguments and results is touched.

    With `DROP_SOURCE`, the pool's bytes give way to others in the L2: nobody reads them again soon.

    With `PROGRAMMATIC`, a launch may allow this kernel to start before the one ahead of it in the stream has ended.
    """
    if PROGRAMMATIC:
        # The kernel behind this one may take its place on the GPU now; it waits, as this one does, until all memory
        # of the kernel before is written.
        gdc_launch_dependents()
        gdc_wait()

    COUNT: tl.constexpr = tl.int64 if WIDE_COUNTS else tl.int32
    IN_WORDS: tl.constexpr = (SOURCE_ALIGNMENT % 4 == 0) & (RESULT_ALIGNMENT % 4 == 0)
    UNIT: tl.constexpr = tl.pointer_type(tl.int32 if IN_WORDS else tl.uint8)
    UNIT_BYTES: tl.constexpr = 4 if IN_WORDS else 1
    K_UNITS: tl.constexpr = INDEX_HEAD_DIM // UNIT_BYTES
    K_LANES: tl.constexpr = triton.next_power_of_2(K_UNITS)
    S_UNITS: tl.constexpr = _SCALE_BYTES // UNIT_BYTES
    KEY_ALIGNMENT: tl.constexpr = 16 if INDEX_HEAD_DIM % 16 == 0 else UNIT_BYTES
    LOAD_ALIGNMENT: tl.constexpr = min(SOURCE_ALIGNMENT, KEY_ALIGNMENT)
    STORE_ALIGNMENT: tl.constexpr = min(RESULT_ALIGNMENT, KEY_ALIGNMENT)
    IN_ONE_PAGE: tl.constexpr = PAGE_SIZE % TILE == 0
    OF_SOURCE: tl.constexpr = "evict_first" if DROP_SOURCE else ""

    in_tile = tl.arange(0, TILE)
    unit = tl.arange(0, K_LANES)
    if RECTANGULAR:
        sequence = tl.program_id(1)
        first_token = tl.program_id(0).to(COUNT) * TILE
        # The table reaches at least this far, so the page number is fetched before the length is known.
        in_table = longest.to(COUNT) - first_token
    else:
        sequence, length, rows_before, first_token = _find_tile(
            seq_lens_ptr, lengths_stride, batch, tl.program_id(0), longest, TILE, LENGTHS_AT_ONCE, COUNT
        )
        in_table = length - first_token

    table_ptr = page_indices_ptr + sequence.to(tl.int64) * table_stride
    if IN_ONE_PAGE:
        slot = first_token % PAGE_SIZE
        ordinal = (first_token // PAGE_SIZE).to(tl.int64)
        page = tl.load(table_ptr + ordinal * table_step, mask=in_table > 0, other=-1).to(tl.int64)
    else:
        slot = (first_token + in_tile) % PAGE_SIZE
        ordinal = ((first_token + in_tile) // PAGE_SIZE).to(tl.int64)
        page = tl.load(table_ptr + ordinal * table_step, mask=in_tile < in_table, other=-1).to(tl.int64)
    if RECTANGULAR:
        length = _load_lengths(seq_lens_ptr, lengths_stride, sequence, True, longest, COUNT)

    if first_token >= length:
        return
    num_tokens = tl.minimum(length - first_token, TILE).to(tl.int32)
    is_page = (page >= 0) & (page < num_pages)
    page_ptr = buf_ptr + tl.where(is_page, page, 0) * page_stride
    k_in_page = slot * INDEX_HEAD_DIM
    s_in_page = PAGE_SIZE * INDEX_HEAD_DIM + slot * _SCALE_BYTES
    k_offset = in_tile[:, None] * K_UNITS + unit[None, :]
    if IN_ONE_PAGE:
        # The tile's one page is as good as empty if it is outside the pool.
        num_loaded = tl.where(is_page, num_tokens, 0)
        is_token = in_tile < num_loaded
        s_offset = tl.arange(0, TILE * S_UNITS)
    else:
        is_token = (in_tile < num_tokens) & is_page
        s_offset = in_tile[:, None] * S_UNITS + tl.arange(0, S_UNITS)[None, :]

    if GATHER_K:
        is_key = is_token[:, None]
        if K_LANES != K_UNITS:
            is_key = is_key & (unit < K_UNITS)[None, :]
        if IN_ONE_PAGE:
            k_source = tl.multiple_of(page_ptr + k_in_page, LOAD_ALIGNMENT).to(UNIT, bitcast=True) + k_offset
        else:
            k_source = tl.multiple_of(page_ptr + k_in_page, [LOAD_ALIGNMENT]).to(UNIT, bitcast=True)
            k_source = k_source[:, None] + unit[None, :]
        k = tl.load(k_source, mask=is_key, other=0, eviction_policy=OF_SOURCE)
    if GATHER_S:
        if IN_ONE_PAGE:
            is_scale = s_offset < num_loaded * S_UNITS
            s_source = tl.multiple_of(page_ptr + s_in_page, UNIT_BYTES).to(UNIT, bitcast=True) + s_offset
        else:
            is_scale = is_token[:, None]
            s_source = tl.multiple_of(page_ptr + s_in_page, [UNIT_BYTES]).to(UNIT, bitcast=True)
            s_source = s_source[:, None] + tl.arange(0, S_UNITS)[None, :]
        s = tl.load(s_source, mask=is_scale, other=0, eviction_policy=OF_SOURCE)

    if RECTANGULAR:
        # Only the stores need this sum: it is computed while the loads above are under way.
        rows_before = _sum_lengths_before(seq_lens_ptr, lengths_stride, sequence, longest, LENGTHS_AT_ONCE, COUNT)
    first_row = rows_before.to(tl.int64) + first_token
    # Not below 0, which would wrap in 32 bits: device lengths may add up to far more than there are rows.
    num_stored = tl.maximum(tl.minimum(num_rows - first_row, num_tokens), 0).to(tl.int32)
    is_kept = first_row * INDEX_HEAD_DIM < _KEPT_KEY_BYTES
    if GATHER_K:
        is_row = (in_tile < num_stored)[:, None]
        if K_LANES != K_UNITS:
            is_row = is_row & (unit < K_UNITS)[None, :]
        k_result = tl.multiple_of(k_ptr + first_row * INDEX_HEAD_DIM, STORE_ALIGNMENT).to(UNIT, bitcast=True)
        if is_kept:
            tl.store(k_result + k_offset, k, mask=is_row, eviction_policy="evict_last")
        else:
            tl.store(k_result + k_offset, k, mask=is_row)
    if GATHER_S:
        s_result = tl.multiple_of(s_ptr + first_row * _SCALE_BYTES, UNIT_BYTES).to(UNIT, bitcast=True)
        is_row = s_offset < num_stored * S_UNITS
        if is_kept:
            tl.store(s_result + s_offset, s, mask=is_row, eviction_policy="evict_last")
        else:
            tl.store(s_result + s_offset, s, mask=is_row)
