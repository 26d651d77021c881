"""Runs one launch of a kernel with every access checked."""

import inspect
import math
from typing import Any

import numpy as np
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor

from tests.instruments.triton_seams import (
    InterpretedLaunch,
    InterpreterError,
    constants_of,
    interpreter_parts,
    tensor_of,
    tuple_like,
    type_of,
)

from . import kinds
from .builder import CheckedBuilder, noting
from .handles import CheckedHandle, numpy_dtype
from .language import checked_language
from .recorder import Recorder, launched
from .regions import RegionTable
from .retrace import Launched, Program
from .source import Line
from .state import LaunchState

Grid = tuple[int, int, int]


class Launch:
    """A kernel with its arguments bound."""

    def __init__(self, asked: InterpretedLaunch) -> None:
        kernel = asked.kernel
        self.name: str = kernel.fn.__name__
        self._function = kernel.rewrite()
        for hook in kernel.pre_run_hooks:
            hook(*asked.args, **asked.named)
        self.arguments = inspect.getcallargs(self._function, *asked.args, **asked.named)
        self._constants = constants_of(self._function, kernel.arg_names)
        self.grid = asked.axes(self.arguments)
        if not 1 <= len(self.grid) <= 3:
            raise ValueError(f"grid: expected 1 to 3 axes, got {self.grid}")

    def run(self, state: LaunchState, only: Grid | None = None) -> tuple[int, int]:
        """Run all programs, or only one if it is there; how many there were, and how many of them wrote nothing."""
        grid: Grid = (*self.grid, 1, 1)[:3]  # type: ignore[assignment]
        if not self._check_grid(state, grid):
            return 0, 0
        if only is not None and any(place >= length for place, length in zip(only, grid, strict=True)):
            return 0, 0
        program = idle = written = 0
        with checked_language(state) as builder, np.errstate(all="ignore"):
            values = {
                name: value if name in self._constants else _to_value(value, name, state.regions)
                for name, value in self.arguments.items()
            }
            known = launched(self._function, values, self._constants)
            state.begin(grid, len(self.grid))
            builder.set_grid_dim(*grid)
            try:
                for x in range(grid[0]) if only is None else only[:1]:
                    for y in range(grid[1]) if only is None else only[1:2]:
                        for z in range(grid[2]) if only is None else only[2:]:
                            program += 1
                            state.enter(program, x, y, z)
                            builder.grid_idx = (x, y, z)
                            self._run_program(builder, values, known)
                            before, written = written, state.regions.bytes_written
                            idle += written == before
            except Exception as error:
                if triton.knobs.compilation.front_end_debugging:
                    raise
                raise InterpreterError(repr(error)) from error
        return program, idle

    def _run_program(self, builder: CheckedBuilder, values: dict[str, Any], known: Launched | None) -> None:
        """Run a program as it was noted, or its Python where it does what is not known."""
        if known is None or known.trace.is_hopeless:
            self._function(**values)
            return
        program = Program(known)
        if program.run(builder):
            return
        with noting(builder, Recorder(program)) as recorder:
            self._function(**values)
            recorder.end()

    def _check_grid(self, state: LaunchState, grid: Grid) -> bool:
        """Report axes past CUDA's limits, which refuses such a launch; return whether there are none."""
        past = axes_past_limits(grid)
        where = Line(self._function.__code__.co_filename, self._function.__code__.co_firstlineno)
        for axis, length in past:
            message = (
                f"launch of {self.name} ({where}) with grid {self.grid}: {length:,} programs on {axis}, past "
                f"the limit of {kinds.GRID_LIMITS[axis]:,}"
            )
            state.report_at(where, kinds.GRID, message, "launch")
        return not past


def axes_past_limits(grid: Grid) -> list[tuple[str, int]]:
    """The axes (name, length) that CUDA refuses. Triton does not launch a grid without programs."""
    if math.prod(grid) == 0:
        return []
    return [(axis, length) for axis, length in zip("xyz", grid, strict=True) if length > kinds.GRID_LIMITS[axis]]


def _to_value(value: Any, name: str, regions: RegionTable) -> Any:
    """A kernel argument as the interpreter wants it; tensors become addresses that know their region."""
    if isinstance(value, bool):
        return tl.tensor(CheckedHandle(np.array([value]), tl.int1), tl.int1)
    if isinstance(value, int):
        type_ = type_of(value)
        data = np.array([value], dtype=numpy_dtype(type_))
        return tl.tensor(CheckedHandle(data, type_), type_)
    if hasattr(value, "data_ptr"):
        return _to_pointer(value, name, regions)
    if isinstance(value, tuple):
        return tuple_like(value, [_to_value(item, f"{name}[{index}]", regions) for index, item in enumerate(value)])
    if isinstance(value, TensorDescriptor):
        return _to_descriptor(value, name, regions)
    return value


def _to_pointer(value: Any, name: str, regions: RegionTable) -> tl.tensor:
    tensor = tensor_of(value)
    if tensor.device.type != "cpu":
        raise ValueError(f"{name}: expected a tensor on the CPU, got one on {tensor.device}")
    type_ = type_of(value)
    handle = CheckedHandle(np.array([tensor.data_ptr()], dtype=np.uint64), type_)
    handle.origin = regions.add(name, tensor)
    return tl.tensor(handle, type_)


def _to_descriptor(value: TensorDescriptor, name: str, regions: RegionTable) -> Any:
    _, semantic = interpreter_parts()
    descriptor = semantic.make_tensor_descriptor(
        base=_to_pointer(value.base, name, regions),
        shape=[_to_value(length, name, regions) for length in value.shape],
        strides=[*(_to_value(stride, name, regions) for stride in value.strides[:-1]), tl.constexpr(1)],
        block_shape=[tl.constexpr(length) for length in value.block_shape],
        padding_option=value.padding,
    )
    descriptor.handle.round_f32_to_tf32 = getattr(value, "round_f32_to_tf32", False)
    return descriptor
