"""A right gather, but for some calls that end the process, or hang.

The environment variable `DEADLY_CALLS` names them: a JSON object from `signature`s of calls to names of `FAULTS`.
"""

import ctypes
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from typing import Any

import torch

from tests.planted.faults import plain

CALLS = "DEADLY_CALLS"


def _on_the_gpu(fault: str) -> Callable[[], None]:
    """Return a fault of a kernel, which is imported when it is called for."""

    def call() -> None:
        from tests.planted.faults import kernels

        getattr(kernels, fault)()

    return call


def _abort_after_the_test() -> None:
    """Have the process abort between this test and the next."""
    from tests.plugin.containment import Trace

    end = Trace.end

    def end_and_abort(trace: Trace) -> None:
        end(trace)
        # The worker has told the test's outcome; nothing else has begun.
        os.abort()

    setattr(Trace, "end", end_and_abort)  # noqa: B010


def _loop() -> None:
    while True:
        pass


FAULTS: dict[str, Callable[[], Any]] = {
    "segmentation fault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "exit": lambda: os._exit(3),
    # Holds the interpreter's lock, so that no Python thread could end it.
    "hang": lambda: ctypes.PyDLL(None).pause(),
    # Matches with a pattern that takes longer than anybody lives.
    "busy hang": lambda: re.match(r"(a|aa)+$", "a" * 1_000 + "b"),
    "loop": _loop,
    # Hears no signal that can be ignored.
    "deaf hang": lambda: (signal.signal(signal.SIGALRM, signal.SIG_IGN), ctypes.PyDLL(None).pause()),
    "system exit": lambda: sys.exit(3),
    # Damage that shows only when the test is long over.
    "late abort": _abort_after_the_test,
    "illegal access": _on_the_gpu("write_far_away"),
    "misaligned access": _on_the_gpu("read_misaligned"),
    "endless kernel": _on_the_gpu("run_for_ever"),
}


def signature(seq_len_sum: int, max_seq_len: int, page_size: int, index_head_dim: int) -> str:
    """Return what tells one call from another by its numbers."""
    return f"{seq_len_sum}-{max_seq_len}-{page_size}-{index_head_dim}"


def get_k_and_s(*arguments: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Gather keys and scales, unless the call is one of the deadly ones."""
    deadly = json.loads(os.environ[CALLS])
    fault = deadly.get(signature(*arguments[3:]))
    if fault:
        FAULTS[fault]()
    return plain.get_k_and_s(*arguments)
