"""Gathers that break off, hang, exit, fork, print, refuse or allocate: an object each, of which a gate is told by name.

Those that break off are right up to a page, so that their fault is one of some calls.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.planted import gather
from tests.planted.faults import plain

PAGE = 64


def _beyond_a_page(break_off: Callable[[], Any]) -> Callable[..., Any]:
    """Return a gather that is right up to 64 tokens, and beyond does `break_off` before it gathers."""

    def gathered(*arguments: Any) -> Any:
        if arguments[3] > PAGE:
            break_off()
        return plain.get_k_and_s(*arguments)

    return gathered


def _once(act: Callable[[], Any]) -> Callable[..., Any]:
    """Return a gather that does `act` in its first call, and is right in all."""
    left = [act]

    def gathered(*arguments: Any) -> Any:
        if left:
            left.pop()()
        return plain.get_k_and_s(*arguments)

    return gathered


class Enough(BaseException):
    """Not to be caught by `except Exception`."""


def _raise(error: BaseException) -> None:
    raise error


def _hang() -> None:
    while True:
        pass


def _recurse() -> None:
    _recurse()


# They break off.

skips = _beyond_a_page(lambda: pytest.skip("not for me"))
xfails = _beyond_a_page(lambda: pytest.xfail("known to fail"))
ends_session = _beyond_a_page(lambda: pytest.exit("enough", returncode=0))
exits = _beyond_a_page(lambda: sys.exit(0))
ends_process = _beyond_a_page(lambda: os._exit(0))
interrupts = _beyond_a_page(lambda: _raise(KeyboardInterrupt()))
raises_base = _beyond_a_page(lambda: _raise(Enough("enough")))
recurses = _beyond_a_page(_recurse)
hangs = _beyond_a_page(_hang)
forks = _beyond_a_page(os.fork)
"""The child returns as its parent does: a second worker, if nobody ended it."""


async def returns_coroutine(*arguments: Any) -> Any:
    """Gather K and S, once awaited."""
    return plain.get_k_and_s(*arguments)


# They leave something behind.

_kept: list[Any] = []


def changes_dtype(*arguments: Any) -> Any:
    """Change torch's default dtype in every call."""
    torch.set_default_dtype(torch.float64)
    return plain.get_k_and_s(*arguments)


def keeps_results(*arguments: Any) -> Any:
    """Keep all results for ever."""
    _kept.append(plain.get_k_and_s(*arguments))
    return _kept[-1]


def _move() -> None:
    os.chdir("/")
    os.environ["PATH"] = os.environ["HOME"] = os.environ["TMPDIR"] = "/nowhere"
    os.environ["PYTHONPATH"] = "/nowhere"


def _ignore_signals() -> None:
    """Ignore the signals by which a process is asked to end."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


leaves_thread = _once(lambda: threading.Thread(target=time.sleep, args=(3600,)).start())
"""A process would wait for it before it ends."""
moves_about = _once(_move)
empties_environment = _once(os.environ.clear)
"""So it takes away what Triton's interpreter is chosen by."""
ignores_signals = _once(_ignore_signals)


# They print, or take the outputs away.


def _print_much() -> None:
    for stream in (sys.stdout, sys.stderr):
        print("every byte of this is of no interest " * 100_000, file=stream)


COMMANDS = """\
::error file=kernel.py::PLANTED
\x1b[2J\x1b]0;PLANTED\x07
CLEAN: PLANTED keeps the strict contract
{"value": "PLANTED"}
{"refusal": "PLANTED"}
"""
"""A workflow's command, a terminal's escapes, a verdict, and the harness's own messages."""


def _print_commands() -> None:
    for descriptor, stream in enumerate((sys.stdout, sys.stderr), start=1):
        print(COMMANDS, file=stream, flush=True)
        os.write(descriptor, COMMANDS.encode())


prints_much = _once(_print_much)
prints_commands = _once(_print_commands)
closes_outputs = _once(lambda: os.closerange(1, 3))


# They refuse.


def refuses_everything(*arguments: Any) -> Any:
    """Refuse every call in words that name every argument."""
    raise ValueError(
        "buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size or index_head_dim is not what it should be"
    )


def refuses_geometries(*arguments: Any) -> Any:
    """Refuse every geometry but production's, which `safe` allows."""
    if arguments[5:] != (64, 128):
        raise ValueError(f"page_size, index_head_dim: expected 64 and 128, got {arguments[5:]}")
    return gather.get_k_and_s(*arguments)


# They cannot be examined, here or anywhere.

allocates_too_much = _beyond_a_page(lambda: torch.empty(1 << 60, dtype=torch.uint8))


def allocates_on_cuda(*arguments: Any) -> Any:
    """Allocate on the GPU, whatever device the tensors are on."""
    k, s = plain.get_k_and_s(*arguments)
    return torch.empty(k.shape, dtype=k.dtype, device="cuda").copy_(k), s


def lacks_package(*arguments: Any) -> Any:
    """Import a package that only a machine with a GPU has."""
    import package_that_only_gpus_have  # type: ignore[import-not-found]

    return package_that_only_gpus_have.gather(*arguments)


def lacks_neighbour(*arguments: Any) -> Any:
    """Import a neighbour that is not there from its package."""
    from tests.planted.odd import a_file_that_nobody_wrote  # type: ignore[attr-defined]

    return a_file_that_nobody_wrote.gather(*arguments)


def takes_three(buf: Any, page_indices: Any, seq_lens: Any) -> Any:
    """Gather nothing: no call gets here."""
    return buf, page_indices, seq_lens
