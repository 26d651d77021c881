"""What a call costs the host, counted without a GPU: on the way that a call on a GPU takes, up to the driver.

Triton compiles for an H100 that is not there, loads nothing, and its launcher hands on to a function that does nothing.
Tensors are on the CPU. The first calls compile, look up and remember; what is counted is a later one.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch
import triton
from triton.backends.nvidia.driver import CudaLauncher

from tests.instruments.absent_h100 import AbsentGpu, Utils
from tests.instruments.collection import no_collection
from tests.instruments.triton_seams import active_driver

CALLS_BEFORE = 3
"""Calls that are counted in vain: what is remembered, and what tracing itself keeps, is then there."""
BYTECODES, ALLOCATIONS = "bytecodes", "allocations"
PACKAGES = {"torch": "calls into torch", "triton": "calls into triton"}
_FOLDERS = {str(Path(package.__file__ or "").parent): package.__name__ for package in (torch, triton)}


class CannotCount(Exception):
    """What the host does cannot be counted here; the text says why."""


class _Launcher(CudaLauncher):
    """Triton's own way to a launch in C, which here does nothing, in C as well: no bytecode of it is the call's."""

    def __init__(self, src: Any, metadata: Any) -> None:
        self.launch = "".format
        self.num_ctas = getattr(metadata, "num_ctas", 1)
        self.global_scratch_size, self.profile_scratch_size = (
            metadata.global_scratch_size,
            metadata.profile_scratch_size,
        )
        self.global_scratch_align, self.profile_scratch_align = 1, 1
        self.launch_cooperative_grid, self.launch_pdl = metadata.launch_cooperative_grid, metadata.launch_pdl
        self.arg_annotations, self.kernel_signature, self.gsan_enabled = (), b"", False


class _Loader(Utils):
    """Loads nothing."""

    def load_binary(self, *_: Any) -> tuple[int, int, int, int, int]:
        """Return handles of a module and its function, registers, spills, and threads a program."""
        return 1, 1, 32, 0, 1_024


class _Gpu(AbsentGpu):
    """A driver that launches nothing."""

    utils = _Loader()
    launcher_cls = _Launcher
    get_current_stream = {-1: 0, 0: 0}.__getitem__  # type: ignore[assignment]
    get_current_device = staticmethod(int)


def count_host(function: Callable[..., Any], arguments: Sequence[Any]) -> dict[str, int]:
    """Return how many bytecodes, calls into torch and into Triton, and allocated blocks a call takes on the host.

    Args:
        function: a gather, whose kernels Triton compiles.
        arguments: its seven, with tensors on the CPU.

    Raises:
        CannotCount: it needs more of a GPU than is pretended, or two equal calls differ.
    """
    try:
        with active_driver(_Gpu()), no_collection():
            function(*arguments)  # which compiles, and would take minutes if it was counted
            for _ in range(CALLS_BEFORE):
                _counted(function, arguments)
            first, second = (_counted(function, arguments) for _ in range(2))
    except Exception as error:
        raise CannotCount(f"{type(error).__name__}: {error}") from error
    if first != second:
        raise CannotCount(f"equal calls differ on the host: {first} and {second}")
    return first


def _counted(function: Callable[..., Any], arguments: Sequence[Any]) -> dict[str, int]:
    counts = Counter({BYTECODES: 0, ALLOCATIONS: 0, **dict.fromkeys(PACKAGES.values(), 0)})
    blocks = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal blocks
        more = sys.getallocatedblocks() - blocks
        if event == "opcode":
            counts[BYTECODES] += 1
            if more > 0:
                counts[ALLOCATIONS] += more
        elif event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            package, caller = _package(frame.f_code), frame.f_back
            if package and (caller is None or _package(caller.f_code) != package):
                counts[PACKAGES[package]] += 1
        blocks = sys.getallocatedblocks()
        return trace

    def profile(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and (package := _package_of_c(called)) and _package(frame.f_code) != package:
            counts[PACKAGES[package]] += 1

    with _watched(trace, profile):
        function(*arguments)
    return dict(counts)


@contextmanager
def _watched(trace: Any, profile: Any) -> Iterator[None]:
    earlier = sys.gettrace(), sys.getprofile()
    sys.setprofile(profile)
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(earlier[0])
        sys.setprofile(earlier[1])


def _package(code: CodeType) -> str | None:
    return next((name for folder, name in _FOLDERS.items() if code.co_filename.startswith(folder)), None)


def _package_of_c(called: Any) -> str | None:
    of = getattr(called, "__self__", None)
    module = called.__module__ or (of.__name__ if isinstance(of, type(sys)) else type(of).__module__)
    package = str(module).partition(".")[0]
    return package if package in PACKAGES else None
