"""Ways of calling a gather that only a GPU has: captured in a CUDA graph, and on a stream of the caller's."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from tests.calls.inputs import Arguments, Inputs
from tests.instruments.collection import no_collection

SLEEP_CYCLES = 2_000_000
"""GPU cycles, about a millisecond, that a side stream is busy before it writes what the call reads."""


def capture(call: Callable[..., Any], arguments: Arguments) -> tuple[torch.cuda.CUDAGraph, Any]:
    """Capture one call, which must have run before, and return the graph with what the call returned.

    Raises:
        Exception: whatever the capture of an operation that cannot be captured raises.
    """
    graph = torch.cuda.CUDAGraph()
    with no_collection(), torch.cuda.graph(graph):
        returned = call(*arguments)
    return graph, returned


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
