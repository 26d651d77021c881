"""What a gather returned: the right number of tensors, of the right shape, dtype and device, in memory of their own?"""

from typing import Any

import torch

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


def overlap(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether the extents of two tensors, first to last element, share a byte."""
    if a.numel() == 0 or b.numel() == 0 or a.device != b.device:
        return False
    a_start, a_end = _extent(a)
    b_start, b_end = _extent(b)
    return a_start < b_end and b_start < a_end


def _extent(tensor: torch.Tensor) -> tuple[int, int]:
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    start = tensor.data_ptr()
    return start, start + (last + 1) * tensor.element_size()
