"""From a call to its launch. What the host knows of a call decides it, once; the next equal call looks it up."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import triton
from torch import Tensor
from triton.runtime import driver

from kernels.arguments import check_arguments
from kernels.capture import is_behind
from kernels.direct import Launcher, launchers_of
from kernels.kernel import gather_kernel
from kernels.layout import SCALE_BYTES, PageLayout
from kernels.plan import plan_launch

IS_INTERPRETED = not isinstance(gather_kernel, triton.JITFunction)

PROGRAMMATIC_LAUNCH_FROM = (9, 0)
"""Compute capability from which a kernel can be launched while the one before it still runs."""

MOST_CALLS_KEPT = 1_024
"""Different calls that are remembered; one more, and all are forgotten. Every layer of a model makes the same call."""

ALIGNMENT = 16
"""Bytes: the widest access, and less than what allocations are aligned to."""


@dataclass(slots=True)
class _Variant:
    """One piece of compiled code, and what launches it."""

    compiled: Any = None
    eager: Launcher | None = None
    behind_gather: Launcher | None = None
    """Where a graph's capture launches otherwise behind another gather."""


class _Launch(NamedTuple):
    """What is launched, wherever tensors lie that are aligned alike."""

    grid: tuple[int, int, int]
    after_pointers: tuple[Any, ...]
    """The kernel's arguments from its numbers on."""
    options: dict[str, Any]
    variant: _Variant


_variants: dict[tuple[Any, ...], _Variant] = {}
_calls: dict[tuple[Any, ...], "Call"] = {}
_leave_givers: set[int] = set()
"""Handles of the kernels that let the next one start early: to ask others for leave costs, and gains nothing."""
_hooks = triton.knobs.runtime


def call_of(
    gather_k: bool,
    gather_s: bool,
    buf: Tensor,
    page_indices: Tensor,
    seq_lens: Tensor,
    seq_len_sum: int,
    max_seq_len: int,
    page_size: int,
    index_head_dim: int,
) -> "Call":
    """Return the checked call of a gather of keys, of scales or of both.

    Raises:
        TypeError: an argument is of the wrong type or dtype.
        ValueError: an argument's rank, shape, device or value is wrong.
    """
    key = None
    # Types are looked at first, because 64.0 and True equal numbers that are remembered.
    if type(seq_len_sum) is type(max_seq_len) is type(page_size) is type(index_head_dim) is int:
        try:
            key = (
                gather_k,
                gather_s,
                seq_len_sum,
                max_seq_len,
                page_size,
                index_head_dim,
                buf.shape,
                buf.stride(),
                buf.dtype,
                buf.device,
                page_indices.shape,
                page_indices.stride(),
                page_indices.dtype,
                page_indices.device,
                seq_lens.shape,
                seq_lens.stride(),
                seq_lens.dtype,
                seq_lens.device,
            )
            call = _calls.get(key)
            if call is not None:
                return call
        except (AttributeError, TypeError, RuntimeError):
            key = None  # one is no tensor, or has no strides, which the checks below refuse by name
    layout = check_arguments(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim)
    call = Call(gather_k, gather_s, layout, buf, page_indices, seq_lens, seq_len_sum, max_seq_len)
    if key is not None:
        if len(_calls) >= MOST_CALLS_KEPT:
            _calls.clear()
        _calls[key] = call
    return call


class Call:
    """What the host knows of a call: enough to launch it, wherever tensors of such shapes and strides lie.

    Args:
        gather_k, gather_s: what is asked for.
        layout: of a page.
        buf, page_indices, seq_lens, seq_len_sum, max_seq_len: checked; none of the tensors is kept.
    """

    __slots__ = ("_aligned", "_device", "_dtypes", "_gathers", "_has_others", "_layout", "_numbers")

    def __init__(
        self,
        gather_k: bool,
        gather_s: bool,
        layout: PageLayout,
        buf: Tensor,
        page_indices: Tensor,
        seq_lens: Tensor,
        seq_len_sum: int,
        max_seq_len: int,
    ) -> None:
        self._layout = layout
        self._gathers = (gather_k, gather_s)
        self._device = buf.get_device()
        self._has_others = self._device >= 0 and torch.cuda.device_count() > 1
        """Whether another device could be the current one."""
        self._dtypes = (page_indices.dtype, seq_lens.dtype)
        batch = seq_lens.shape[0]
        # No sequence is longer than all together: a `max_seq_len` far too large costs nothing.
        longest = min(max_seq_len, seq_len_sum)
        steps = (buf.stride(0), *page_indices.stride(), seq_lens.stride(0))
        self._numbers = (buf.shape[0], *steps, batch, seq_len_sum, longest)
        self._aligned = self._launch_at(0, 0) if batch and longest else None
        """The launch of tensors at addresses that are aligned as allocations are; None if nothing is to be copied."""

    def fill(self, k: Tensor, s: Tensor, buf: Tensor, page_indices: Tensor, seq_lens: Tensor) -> None:
        """Fill `k` and `s` in one launch, or in none if there is nothing to copy. One not gathered is not touched."""
        launch = self._aligned
        if launch is None:
            return
        device = self._device
        if self._has_others and device != driver.active.get_current_device():
            with torch.cuda.device(device):
                self.fill(k, s, buf, page_indices, seq_lens)
            return

        buf_at, k_at, s_at = buf.data_ptr(), k.data_ptr(), s.data_ptr()
        if (buf_at | k_at | s_at) % ALIGNMENT:
            launch = self._launch_at(buf_at, k_at | s_at % SCALE_BYTES)
        grid, after_pointers, options, variant = launch
        launcher = variant.eager
        if launcher is not None and not _is_heard():
            stream = driver.active.get_current_stream(device)
            # The default stream, whose handle is 0, cannot be captured, and need not be asked.
            early = variant.behind_gather
            if stream and early is not None and _is_behind_gather(stream):
                launcher = early
            # Addresses instead of tensors spare Triton a call of each tensor and one of the driver.
            launcher(grid, stream, (buf_at, page_indices.data_ptr(), seq_lens.data_ptr(), k_at, s_at), after_pointers)
        elif variant.compiled is not None:
            variant.compiled[grid](buf, page_indices, seq_lens, k, s, *after_pointers)
        else:
            launched = gather_kernel[grid](buf, page_indices, seq_lens, k, s, *after_pointers, **options)
            if not IS_INTERPRETED:
                variant.compiled = launched
                variant.eager, variant.behind_gather = launchers_of(launched)
                if variant.behind_gather is not None:
                    _leave_givers.add(launched.function)

    def _launch_at(self, buf_at: int, results_at: int) -> _Launch:
        """Return what is launched for a pool and results at these addresses."""
        page_stride, batch, seq_len_sum, longest = self._numbers[1], *self._numbers[-3:]
        plan = plan_launch(self._layout, self._gathers[0], batch, seq_len_sum, longest)
        # A power of two divides an `or` if it divides each part. Scales are stored as words at the widest, so of their
        # address only the place in a word counts.
        alignments = alignment_of(buf_at | page_stride), alignment_of(results_at)
        is_programmatic = self._device >= 0 and _can_launch_early(self._device)
        constants = (
            *self._layout,
            *alignments,
            plan.tile,
            plan.lengths_at_once,
            plan.rectangular,
            plan.wide_counts,
            plan.drop_source,
            *self._gathers,
            is_programmatic,
        )
        options: dict[str, Any] = {"num_warps": plan.num_warps}
        if is_programmatic:
            options["launch_pdl"] = True
        variant = _variants.setdefault((self._device, *self._dtypes, *constants), _Variant())
        return _Launch((*plan.grid, 1), (*self._numbers, *constants), options, variant)


def _can_launch_early(device: int) -> bool:
    return torch.version.hip is None and torch.cuda.get_device_capability(device) >= PROGRAMMATIC_LAUNCH_FROM


def _is_behind_gather(stream: int) -> bool:
    return torch.cuda.is_current_stream_capturing() and is_behind(stream, _leave_givers)


def _is_heard() -> bool:
    """Whether somebody, such as a profiler, wants to hear of launches."""
    entered, left = _hooks.launch_enter_hook, _hooks.launch_exit_hook
    return bool(getattr(entered, "calls", entered) or getattr(left, "calls", left))


def alignment_of(address: int) -> int:
    """Return the largest of 16, 4 and 1 bytes that divides `address`."""
    if address % ALIGNMENT == 0:
        return ALIGNMENT
    return 4 if address % 4 == 0 else 1
