"""Runs one program of a launch, the counterexample, on the checked interpreter, in memory that only looks large."""

import mmap
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from math import prod
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.instruments.checked_interpreter import CheckedInterpreter, Violation, kinds

# Python names the flag from 3.13 on.
_NORESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)
MOST_BYTES = 1 << 43
"""Of one tensor of a counterexample: a process has more addresses, and the maps of accesses are four times as large."""
_WILD = (kinds.READ_OUTSIDE, kinds.WRITE_OUTSIDE, kinds.WRITE_GAP)


@dataclass(frozen=True)
class Counterexample:
    """An input, and the program that shows what is wrong with it."""

    numbers: Mapping[str, int]
    """Sizes and strides, as `tests.instruments.proof.launch.NUMBERS` names them."""
    setting: Mapping[str, Any]
    """As `Setting` names it."""
    program: tuple[int, int, int]
    kind: str
    """`read` or `write`: the access that goes wrong."""
    root: str
    """The tensor that it is of."""
    reads: list[tuple[str, int, int, int]] = field(default_factory=list)
    """What stands in `page_indices` and `seq_lens`: tensor, offset in bytes, bytes, number. All else is 0."""

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Counterexample":
        """Return what `as_json` wrote."""
        reads = [tuple(read) for read in data["reads"]]
        return cls(**{**data, "program": tuple(data["program"]), "reads": reads})


def sparse_bytes(size: int) -> torch.Tensor:
    """Return `(size,)` uint8, all 0, that takes memory only where it is written to.

    Raises:
        OSError: not even addresses are left.
    """
    memory = mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE)
    return torch.frombuffer(memory, dtype=torch.uint8)[:size]


def arguments_of(example: Counterexample) -> tuple[Any, ...]:
    """Return the seven arguments of the gather, on the CPU.

    Raises:
        OSError, ValueError: they do not fit into a process.
    """
    n, setting = example.numbers, example.setting
    row = setting["page_size"] * (setting["index_head_dim"] + 4)
    shapes = {
        "buf": ((n["num_pages"], row), (n["page_stride"], n["byte_stride"]), "uint8", setting["misaligned"]),
        "page_indices": (
            (n["batch"], n["max_pages"]),
            (n["table_stride"], n["table_step"]),
            setting["table_dtype"],
            0,
        ),
        "seq_lens": ((n["batch"],), (n["lengths_stride"],), setting["lens_dtype"], 0),
    }
    tensors: dict[str, torch.Tensor] = {}
    for name, (shape, strides, dtype_name, misaligned) in shapes.items():
        dtype = getattr(torch, dtype_name)
        reach = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        size = reach * dtype.itemsize if min(shape) else 0
        if size > MOST_BYTES:
            raise ValueError(f"{name}: expected {MOST_BYTES} bytes at most, got {size}")
        memory = sparse_bytes(size + misaligned)[misaligned:]
        for root, offset, width, number in example.reads:
            if root == name and offset >= 0 and offset + width <= size:
                stored = np.array([number], dtype=f"i{width}").view(np.uint8)
                memory[offset : offset + width] = torch.from_numpy(stored.copy())
        tensors[name] = memory.view(dtype).as_strided(shape, strides)
    return (*tensors.values(), n["seq_len_sum"], n["max_seq_len"], setting["page_size"], setting["index_head_dim"])


class _SparseResults(TorchDispatchMode):
    """Gives what a call allocates memory that only looks large."""

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = operation.overloadpacket.__name__
        if name not in ("empty", "new_empty"):
            return operation(*args, **kwargs)
        shape = args[-1]
        dtype = kwargs.get("dtype") or (args[0].dtype if name == "new_empty" else torch.get_default_dtype())
        return sparse_bytes(prod(shape) * dtype.itemsize).view(dtype).view(shape)


def replayed(function: Callable[..., Any], example: Counterexample, *, of_undefined: bool) -> list[str]:
    """Call a function with a counterexample's arguments, run its one program, and return what it did wrong.

    Args:
        function: of the implementation, whose kernels were imported for the interpreter.
        example: the counterexample.
        of_undefined: whether the question is what depends on undefined lanes, and not where accesses lead.

    Returns:
        Messages of the checked interpreter; none if the program did nothing wrong.

    Raises:
        Exception: what the call raises; then nothing is shown.
    """
    arguments = arguments_of(example)
    tensors = dict(zip(("buf", "page_indices", "seq_lens"), arguments, strict=False))
    # An empty tensor has no address that it could be known by, as results are not.
    named = {name for name, tensor in tensors.items() if tensor.numel()}
    checker = CheckedInterpreter(undefined_as_zero=not of_undefined, only=example.program)
    with checker.watch(tensors) as watch, _SparseResults():
        function(*arguments)
    return [seen.message for seen in watch.violations if _shows(seen, example, named, of_undefined)]


def _shows(seen: Violation, example: Counterexample, named: set[str], of_undefined: bool) -> bool:
    """Whether a violation is what the counterexample is to show."""
    is_there = seen.tensor == example.root if example.root in named else seen.tensor not in named
    if of_undefined:
        return seen.kind == kinds.UNDEFINED and (is_there or not seen.tensor)  # that a mask is, is of no tensor
    is_wild = seen.kind in _WILD or (seen.kind == kinds.WRAP and bool(seen.outside))
    return is_wild and seen.operation == example.kind and is_there
