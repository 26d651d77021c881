"""`get_k`, `get_s` and `get_k_and_s`: one launch a call, and little time on the host."""

import copy
from functools import lru_cache
from typing import Any, NamedTuple

import torch
import triton
from triton.runtime import driver

from kernels.arguments import check_arguments
from kernels.kernel import gather_kernel
from kernels.layout import SCALE_BYTES, PageLayout
from kernels.plan import plan_launch

IS_INTERPRETED = not isinstance(gather_kernel, triton.JITFunction)

PROGRAMMATIC_LAUNCH_FROM = (9, 0)
"""Compute capability from which a kernel can be launched while the one before it still runs."""

NUM_WARPS = {"bytes": 4, "results kept": 1, "words": 2}
"""Warps of a program. A byte path keeps four times as many values in registers as a word path."""


def get_k_and_s(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather the keys and scales of every token of a batch out of a paged pool, in one launch.

    Token `t` of sequence `b` lies in slot `t % page_size` of page `page_indices[b, t // page_size]` and becomes
    row `seq_lens[:b].sum() + t` of the results.

    Args:
        buf: `(num_pages, page_size * (index_head_dim + 4))` uint8, the pool; rows may lie further apart than
            their length.
        page_indices: `(batch, max_pages)` int32 or int64, the pages of each sequence in order; any strides.
            Entries past a sequence's last page are never used.
        seq_lens: `(batch,)` int32 or int64, tokens of each sequence; any stride.
        seq_len_sum: the sum of `seq_lens`, rows of the results.
        max_seq_len: the maximum of `seq_lens`, or more, as far as the table reaches.
        page_size: tokens of a page.
        index_head_dim: bytes of a key, a multiple of 4 up to 512.

    Returns:
        `k`, `(seq_len_sum, index_head_dim)` uint8, and `s`, `(seq_len_sum, 4)` uint8: new, contiguous, on
        `buf`'s device. Rows of pages outside the pool are zero. If the device's `seq_lens`
        disagree with the host's numbers, nothing outside the arguments is read and nothing outside the results
        is written.

    Raises:
        TypeError: an argument is of the wrong type or dtype.
        ValueError: an argument's rank, shape, device or value is wrong.
    """
    layout = check_arguments(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim)
    # Two allocations take the host as long as one with two views of it.
    k = buf.new_empty((seq_len_sum, index_head_dim))
    s = buf.new_empty((seq_len_sum, SCALE_BYTES))
    _fill(k, s, True, True, layout, buf, page_indices, seq_lens, seq_len_sum, max_seq_len)
    return k, s


def get_k(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> torch.Tensor:
    """Gather the keys alone: the first result of `get_k_and_s`, with the same arguments and errors."""
    layout = check_arguments(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim)
    k = buf.new_empty((seq_len_sum, index_head_dim))
    _fill(k, k, True, False, layout, buf, page_indices, seq_lens, seq_len_sum, max_seq_len)
    return k


def get_s(
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> torch.Tensor:
    """Gather the scales alone: the second result of `get_k_and_s`, with the same arguments and errors."""
    layout = check_arguments(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim)
    s = buf.new_empty((seq_len_sum, SCALE_BYTES))
    _fill(s, s, False, True, layout, buf, page_indices, seq_lens, seq_len_sum, max_seq_len)
    return s


class _Direct(NamedTuple):
    """What Triton's launcher takes besides the kernel's arguments."""

    run: Any
    function: Any
    packed_metadata: Any


class _Variant:
    """One piece of compiled code, and what launches it: eagerly, and within a CUDA graph's capture."""

    __slots__ = ("compiled", "eager", "in_graph")

    def __init__(self) -> None:
        self.compiled: Any = None
        self.eager: _Direct | None = None
        self.in_graph: _Direct | None = None
        """Where a capture launches otherwise."""


class _Launch(NamedTuple):
    """What a call launches, whatever its tensors hold."""

    grid: tuple[int, int, int]
    longest: int
    constants: tuple[Any, ...]
    options: dict[str, Any]
    variant: _Variant


_variants: dict[tuple[Any, ...], _Variant] = {}


# Every layer of a model asks for the same launch.
@lru_cache(maxsize=1024)
def _launch_of(
    device: int,
    table_dtype: torch.dtype,
    lens_dtype: torch.dtype,
    layout: PageLayout,
    source_alignment: int,
    result_alignment: int,
    batch: int,
    seq_len_sum: int,
    longest: int,
    gather_k: bool,
    gather_s: bool,
) -> _Launch:
    plan = plan_launch(layout, batch, seq_len_sum, longest)
    is_programmatic = device >= 0 and _can_launch_early(device)
    constants = (
        *layout,
        source_alignment,
        result_alignment,
        plan.tile,
        plan.lengths_at_once,
        plan.rectangular,
        plan.wide_counts,
        plan.keep_results,
        gather_k,
        gather_s,
        is_programmatic,
    )
    kind = "bytes" if 1 in (source_alignment, result_alignment) else "results kept" if plan.keep_results else "words"
    options: dict[str, Any] = {"num_warps": NUM_WARPS[kind]}
    if is_programmatic:
        options["launch_pdl"] = True
    variant = _variants.setdefault((device, table_dtype, lens_dtype, *constants), _Variant())
    return _Launch((*plan.grid, 1), longest, constants, options, variant)


def _can_launch_early(device: int) -> bool:
    return torch.version.hip is None and torch.cuda.get_device_capability(device) >= PROGRAMMATIC_LAUNCH_FROM


def _fill(
    k: torch.Tensor,
    s: torch.Tensor,
    gather_k: bool,
    gather_s: bool,
    layout: PageLayout,
    buf: torch.Tensor,
    page_indices: torch.Tensor,
    seq_lens: torch.Tensor,
    seq_len_sum: int,
    max_seq_len: int,
) -> None:
    """Fill `k` and `s` in one launch, or in none if there is nothing to copy. One not gathered is not touched."""
    batch = seq_lens.shape[0]
    # No sequence is longer than all together: a `max_seq_len` far too large costs nothing.
    longest = max_seq_len if max_seq_len < seq_len_sum else seq_len_sum
    if not (batch and longest):
        return
    device = buf.get_device()
    if device >= 0 and device != driver.active.get_current_device():
        with torch.cuda.device(device):
            _fill(k, s, gather_k, gather_s, layout, buf, page_indices, seq_lens, seq_len_sum, max_seq_len)
        return

    buf_at, k_at, s_at = buf.data_ptr(), k.data_ptr(), s.data_ptr()
    num_pages, page_stride = buf.shape[0], buf.stride(0)
    table_stride, table_step = page_indices.stride()
    grid, longest, constants, options, variant = _launch_of(
        device,
        page_indices.dtype,
        seq_lens.dtype,
        layout,
        alignment_of(buf_at | page_stride),
        alignment_of(k_at | s_at % SCALE_BYTES),
        batch,
        seq_len_sum,
        longest,
        gather_k,
        gather_s,
    )
    numbers = (num_pages, page_stride, table_stride, table_step, seq_lens.stride(0), batch, seq_len_sum, longest)
    if variant.eager is not None and not (_has_hooks("launch_enter_hook") or _has_hooks("launch_exit_hook")):
        # What `compiled[grid](...)` does, but for its metadata for hooks. Addresses instead of tensors spare the
        # launcher a call of each tensor and one of the driver.
        direct = variant.eager
        if variant.in_graph is not None and torch.cuda.is_current_stream_capturing():
            direct = variant.in_graph
        run, function, packed = direct
        stream = driver.active.get_current_stream(device)
        pointers = (buf_at, page_indices.data_ptr(), seq_lens.data_ptr(), k_at, s_at)
        run(*grid, stream, function, packed, None, None, None, *pointers, *numbers, *constants)
    elif variant.compiled is not None:
        variant.compiled[grid](buf, page_indices, seq_lens, k, s, *numbers, *constants)
    else:
        launched = gather_kernel[grid](buf, page_indices, seq_lens, k, s, *numbers, *constants, **options)
        if not IS_INTERPRETED:
            variant.compiled = launched
            variant.eager, variant.in_graph = _direct(launched)


def _direct(compiled: Any) -> tuple[_Direct | None, _Direct | None]:
    """Return what launches code without hooks, eagerly and in a graph; None where Triton keeps it elsewhere.

    Outside of a graph, leave to start early costs the host 3 us a launch and gains nothing: there the GPU waits for the
    host. So eager launches go without.
    """
    parts = [getattr(compiled, field, None) for field in _Direct._fields]
    if torch.version.hip is not None or None in parts:
        return None, None
    launch = _Direct(*parts)
    if not getattr(launch.run, "launch_pdl", False):
        return launch, None
    run = copy.copy(launch.run)
    run.launch_pdl = False
    return launch._replace(run=run), launch


def _has_hooks(name: str) -> bool:
    """Whether somebody, such as a profiler, wants to hear of launches."""
    hook = getattr(triton.knobs.runtime, name)
    return bool(getattr(hook, "calls", hook))


def alignment_of(address: int) -> int:
    """Return the largest of 16, 4 and 1 bytes that divides `address`."""
    if address % 16 == 0:
        return 16
    return 4 if address % 4 == 0 else 1
