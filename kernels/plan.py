"""How a gather is cut into programs. Pure: decided from what the host knows, before anything is launched."""

from typing import NamedTuple

from kernels.layout import PageLayout

TILE_TOKENS = (32, 64)
"""Tokens that a program copies, in a small and in a large call: small ones are spread thinner."""

LARGE_CALL_TOKENS = 24_576
"""Tokens of a call from which on the larger tile is used."""

L2_SIZED_TOKENS = range(65_536, 360_448)
"""Tokens of calls that are bound by memory, and whose results fit the 50 MB of an H100's L2. The kernel behind the
gather reads these results next: the pool's bytes, which nobody reads again, give way to them."""

SCATTERED_TILE_TOKENS = 16
"""Tokens of a tile that spans pages: its page numbers are a vector, which costs registers."""

TILE_KEY_BYTES = 8_192
"""Most bytes of keys that a program holds in registers."""

WARP_BYTES = 1_024
"""Bytes that one warp copies: two accesses of 16 bytes a lane. With more, registers keep the programs of the next
launch from starting while this one ends; with less, warps cost more than they copy."""

SHORT_SEQUENCES = 128
"""Tokens of a sequence on average, below which large tiles would be half empty."""

LENGTHS_AT_ONCE = (128, 512)
"""Lengths that a program reads in one step; the second where it only sums them and the batch is very large."""

VERY_MANY_SEQUENCES = 1_024

IDLE_PROGRAMS = 2_048
"""Programs without work that cost about as much as the search for a sequence which they save: 0.5 to 1 us."""

MAX_GRID_Y = 65_535
MAX_INT32 = 2**31 - 1


class LaunchPlan(NamedTuple):
    """One launch.

    With `rectangular`, program (x, y) copies tile x of sequence y: it knows both at once, so that it can fetch
    its page number while it reads lengths. Else program x copies tile x of all sequences' tiles laid end to end,
    which it finds by searching the lengths: slower to start, but no program is idle however unequal they are.
    """

    grid: tuple[int, int]
    tile: int
    lengths_at_once: int
    rectangular: bool
    wide_counts: bool
    """Whether sums of lengths need 64 bits."""
    drop_source: bool
    """Whether the pool's bytes give way to others in the L2."""
    num_warps: int


def plan_launch(layout: PageLayout, gather_k: bool, batch: int, seq_len_sum: int, longest: int) -> LaunchPlan:
    """Cut a call of `seq_len_sum` tokens in `batch` sequences of at most `longest`; none of these is 0.

    `gather_k` says whether keys are gathered, not scales alone.
    """
    is_large = seq_len_sum >= max(LARGE_CALL_TOKENS, SHORT_SEQUENCES * batch)
    tile = tile_tokens(layout, is_large)
    tiles_a_sequence = -(-longest // tile)
    # All tiles but the last of each sequence are full, and sequences have no more than this, whatever their sum is said
    # to be: `wide_counts` relies on it.
    most_tiles = min((seq_len_sum + batch * (tile - 1)) // tile, batch * tiles_a_sequence)
    idle = batch * tiles_a_sequence - most_tiles
    rectangular = batch <= MAX_GRID_Y and (idle <= IDLE_PROGRAMS or idle <= most_tiles)
    return LaunchPlan(
        grid=(tiles_a_sequence, batch) if rectangular else (most_tiles, 1),
        tile=tile,
        lengths_at_once=LENGTHS_AT_ONCE[rectangular and batch > VERY_MANY_SEQUENCES],
        rectangular=rectangular,
        wide_counts=batch * (longest + tile) > MAX_INT32,
        drop_source=seq_len_sum in L2_SIZED_TOKENS,
        num_warps=warps_of(layout, tile) if gather_k else 1,
    )


def warps_of(layout: PageLayout, tile: int) -> int:
    """Warps of a program that copies the keys of `tile` tokens."""
    return max(1, tile * _key_lanes(layout) // WARP_BYTES)


def tile_tokens(layout: PageLayout, large: bool) -> int:
    """Tokens of a tile: a power of two, and a divisor of the page where one of 16 tokens or more exists."""
    most = max(1, TILE_KEY_BYTES // _key_lanes(layout))
    wanted = min(TILE_TOKENS[large], most)
    if layout.page_size % wanted == 0:
        return wanted
    divisor = layout.page_size & -layout.page_size
    return divisor if divisor >= SCATTERED_TILE_TOKENS else min(SCATTERED_TILE_TOKENS, most)


def _key_lanes(layout: PageLayout) -> int:
    """Bytes of a key, with those up to the next power of two, which are masked."""
    return 1 << (layout.index_head_dim - 1).bit_length()
