"""What a gather returned: the right number of tensors, of the right shape, dtype and device, in memory of their own?"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch

from tests.calls.fetching import Fetch, home_of
from tests.calls.inputs import Arguments

PARTS = {"get_k_and_s": ("K", "S"), "get_k": ("K",), "get_s": ("S",)}
"""What each function returns."""


def results_of(function: str, returned: Any, arguments: Arguments) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Return the results by part, and the ways in which they are not as promised: a sentence by what is wrong.

    There are no results where their bytes cannot be compared with anything.
    """
    parts = PARTS[function]
    values = tuple(returned) if isinstance(returned, (tuple, list)) else (returned,)
    if len(values) != len(parts) or not all(isinstance(value, torch.Tensor) for value in values):
        given = ", ".join(type(value).__name__ for value in values)
        return {}, {"type": f"returned {given}, should be {len(parts)} tensors: {' and '.join(parts)}"}
    results = dict(zip(parts, values, strict=True))
    faults: dict[str, str] = {}
    for part, result in results.items():
        shape = (arguments.seq_len_sum, arguments.index_head_dim if part == "K" else 4)
        for name, is_so, should in (
            ("shape", tuple(result.shape), shape),
            ("dtype", result.dtype, torch.uint8),
            ("device", result.device, arguments.buf.device),
        ):
            if is_so != should:
                return {}, {name: f"{part} has {name} {is_so}, should be {should}"}
        if not result.is_contiguous():
            faults.setdefault("strides", f"{part} is not contiguous: its strides are {result.stride()}")
        for name, tensor in arguments.tensors.items():
            if overlap(result, tensor):
                faults.setdefault(f"memory of {name}", f"{part} shares memory with {name}")
    if len(parts) == 2 and overlap(results["K"], results["S"]):
        faults["overlap"] = "K and S overlap"
    return results, faults


def fetched(results: Mapping[str, torch.Tensor], fetch: Fetch) -> Callable[[], dict[str, torch.Tensor]]:
    """Ask for the results that are small, and return what takes all: large ones are left where they lie."""
    takes = {
        part: fetch.of(result) if home_of(result.numel(), result.device).type == "cpu" else partial(_itself, result)
        for part, result in results.items()
    }
    return lambda: {part: take() for part, take in takes.items()}


def _itself(result: torch.Tensor) -> torch.Tensor:
    return result


def overlap(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether the extents of two tensors share a byte."""
    return shared(extent(a), extent(b))


def extent(tensor: torch.Tensor) -> tuple[int, int]:
    """Return the addresses of a tensor's first byte and of the one after its last; both are 0 where there is none."""
    if tensor.numel() == 0:
        return 0, 0
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    start = tensor.data_ptr()
    return start, start + (last + 1) * tensor.element_size()


def shared(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Whether two extents share a byte; a GPU's addresses are none of the host's."""
    return a[0] < b[1] and b[0] < a[1]
