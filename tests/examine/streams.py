"""Ways of calling a gather that only a GPU has: captured in a CUDA graph, and on a stream of the caller's."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from tests.calls.inputs import Arguments, Inputs
from tests.instruments.collection import no_collection

SLEEP_CYCLES = 2_000_000
"""GPU cycles, about a millisecond, that a side stream is busy before it writes what the call reads."""

MEMORY_OF_A_GRAPH = 20 << 20
"""Bytes that torch takes at a time for what a graph allocates."""
MOST_KEPT = 1 << 30
"""Bytes of graphs that are gone, until they are given back."""


def capture(call: Callable[..., Any], arguments: Arguments) -> tuple[torch.cuda.CUDAGraph, Any]:
    """Capture one call, which must have run before, and return the graph with what the call returned.

    Raises:
        Exception: whatever the capture of an operation that cannot be captured raises.
    """
    graph, side = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    _make_room(max(MEMORY_OF_A_GRAPH, arguments.seq_len_sum * (arguments.index_head_dim + 4)))
    side.wait_stream(torch.cuda.current_stream())
    # Not `torch.cuda.graph`, which gives all unused memory back each time, and has it asked for again.
    with no_collection(), torch.cuda.stream(side):
        graph.capture_begin()
        try:
            returned = call(*arguments)
        finally:
            graph.capture_end()
    return graph, returned


def _make_room(size: int, kept: list[int] = []) -> None:  # noqa: B006 - what this process's graphs have taken
    """Give back the memory of earlier graphs, which torch keeps for nobody, where it is much."""
    kept.append(size)
    if sum(kept) > MOST_KEPT:
        torch.cuda.empty_cache()
        kept[:] = [size]


def rewritten_on_side_stream(call: Callable[..., Any], inputs: Inputs) -> Any:
    """Call on a stream that first sleeps and then writes new contents into the pool; return what the call returned.

    A launch on any other stream reads the contents of before.
    """
    contents = replace(inputs.plan, content_seed=inputs.plan.content_seed + 1_000)
    write = inputs.prepared(contents)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        torch.cuda._sleep(SLEEP_CYCLES)
        write()
        returned = call(*inputs.arguments)
    torch.cuda.current_stream().wait_stream(side)
    return returned
