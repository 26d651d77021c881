"""What one call of a gather costs, counted on the checked interpreter."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch

from tests.calls.inputs import Arguments, Inputs
from tests.cases.case import Case
from tests.instruments.checked_interpreter import CheckedInterpreter, Traffic, Watch
from tests.instruments.cost.recording import Launch, recorded_launches
from tests.instruments.poison import poisoned_allocations
from tests.instruments.red_zones import RedZonedMemory

_POISON = 0xC3


@dataclass(frozen=True)
class Counted:
    """What one call did."""

    figures: dict[str, int]
    """By name; bytes and idle programs only where the launches were run."""
    least: dict[str, int]
    """The least that the workload allows, for the figures that have such a bound."""
    launches: list[Launch]


def count_call(
    function: str, call: Callable[..., Any], case: Case, *, backends: tuple[str, ...] = ("cuda",), execute: bool = True
) -> Counted:
    """Call a gather once and count.

    Args:
        function: `get_k`, `get_s` or `get_k_and_s`.
        call: the implementation's.
        case: the workload.
        backends: of `cuda` and `hip`: for which to say what Triton compiles.
        execute: whether the interpreter runs the launches; if not, bytes and idle programs are not counted.

    Raises:
        Exception: whatever the call raises.
    """
    memory = RedZonedMemory()
    inputs = Inputs(case, torch.device("cpu"), memory)
    inputs.write(inputs.plan)
    checker = CheckedInterpreter(undefined_as_zero=True)
    with ExitStack() as stack:
        seen = stack.enter_context(checker.watch(read_only=inputs.arguments.tensors))
        launches = stack.enter_context(recorded_launches(backends=backends, execute=execute))
        watched = stack.enter_context(poisoned_allocations(_POISON, memory))
        call(*inputs.arguments)
    memory.close()
    figures = {
        "launches": len(launches),
        "torch operations": len(watched.operations),
        "waits for the device": len(watched.waits),
        "programs": sum(launch.programs for launch in launches),
    }
    if execute and launches:
        figures |= _moved(seen)
    return Counted(figures, _least(function, case, inputs.arguments), launches)


def _moved(seen: Watch) -> dict[str, int]:
    nothing = Traffic()
    traffic = dict(seen.traffic)
    arguments = {name: traffic.pop(name, nothing) for name in ("buf", "page_indices", "seq_lens")}
    return {
        "idle programs": seen.idle_programs,
        **{f"bytes read of {name}": moved.bytes_read for name, moved in arguments.items()},
        "bytes read of other memory": sum(moved.bytes_read for moved in traffic.values()),
        "bytes written": sum(moved.bytes_written for moved in [*arguments.values(), *traffic.values()]),
    }


def _least(function: str, case: Case, arguments: Arguments) -> dict[str, int]:
    width = {"get_k_and_s": case.index_head_dim + 4, "get_k": case.index_head_dim, "get_s": 4}[function]
    moved = case.seq_len_sum * width
    return {
        "launches": 1,
        "torch operations": 0,
        "waits for the device": 0,
        "idle programs": 0,
        "bytes read of buf": moved,
        "bytes read of page_indices": sum(case.pages_needed) * arguments.page_indices.element_size(),
        "bytes read of seq_lens": len(case.seq_lens) * arguments.seq_lens.element_size(),
        "bytes read of other memory": 0,
        "bytes written": moved,
    }
