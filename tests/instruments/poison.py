"""Memory that nobody wrote is poison: what a call allocates and does not fill shows in its results.

A torch dispatch mode stands between the examined call and torch. It hands out poisoned memory wherever torch would
hand out memory as it is, and notes which other operations would launch a kernel or wait for the device.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from tests.calls.memory import Memory
from tests.instruments.triton_seams import InterpretedLaunch, compiled_launches, interpreted_launches

_aten = torch.ops.aten
_UNWRITTEN = {
    _aten.empty.memory_format,
    _aten.empty_strided.default,
    _aten.empty_like.default,
    _aten.new_empty.default,
    _aten.new_empty_strided.default,
    _aten.empty_permuted.default,
}
_WAITING = {_aten._local_scalar_dense.default, _aten.nonzero.default, _aten.masked_select.default, _aten.equal.default}
_HOST_READS = {torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.cpu, torch.Tensor.item, torch.Tensor.__array__}
_TORCHS_OWN = ("aten", "prim", "prims")
_NO_LAUNCH = {
    _aten.detach.default,
    _aten.alias.default,
    _aten.set_.source_Storage_storage_offset,
    _aten.lift_fresh.default,
}


@dataclass
class Watched:
    """What a call did through torch."""

    allocations: list[torch.Tensor] = field(default_factory=list)
    """Memory handed out, flat uint8 tensors in order."""
    operations: list[str] = field(default_factory=list)
    """Torch operations that launch a kernel on a GPU, by name."""
    waits: list[str] = field(default_factory=list)
    """Torch operations that wait for the device, by name."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do not note the operations and waits of the block."""
        operations, waits = len(self.operations), len(self.waits)
        try:
            yield
        finally:
            del self.operations[operations:], self.waits[waits:]


class _Poison(TorchDispatchMode):
    def __init__(self, byte: int, memory: Memory, watched: Watched) -> None:
        super().__init__()
        self._byte = byte
        self._memory = memory
        self._watched = watched

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Torch would import its compiler, which takes seconds, to keep it away from this mode; nothing here compiles.
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func.namespace not in _TORCHS_OWN:
            # Somebody's own operation: what it does inside is looked at, not that it is called.
            return self._inside(func, args, kwargs)
        if func in _UNWRITTEN:
            return self._poisoned(func(*args, **kwargs))
        result = func(*args, **kwargs)
        name = func._schema.name
        if func in _WAITING or (func is _aten._to_copy.default and _leaves_gpu(args[0], result)):
            self._watched.waits.append(name)
        elif func not in _NO_LAUNCH and not _is_view(func) and _writes_elements(func, args, result):
            self._watched.operations.append(name)
        return result

    def _inside(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tensor = next(_tensors((*args, *kwargs.values())), None)
        key = torch._C._parse_dispatch_key((tensor.device.type if tensor is not None else "cpu").upper())
        assert key is not None
        with self:
            return func.redispatch(torch._C.DispatchKeySet(key), *args, **kwargs)

    def _poisoned(self, made: torch.Tensor) -> torch.Tensor:
        if made.device.type == "meta" or made.numel() == 0:
            return made
        size = made.untyped_storage().nbytes()
        flat = self._memory.allocate("a result", size, made.device)
        if self._memory.is_poisoned:
            flat.fill_(self._byte)
        self._watched.allocations.append(flat)
        return flat.view(made.dtype).as_strided(made.shape, made.stride())


def _is_view(func: Any) -> bool:
    returns = func._schema.returns
    return bool(returns) and all(r.alias_info is not None and not r.alias_info.is_write for r in returns)


def _leaves_gpu(source: torch.Tensor, result: torch.Tensor) -> bool:
    return source.device.type == "cuda" and result.device.type == "cpu"


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)


def _writes_elements(func: Any, args: tuple[Any, ...], result: Any) -> bool:
    """Whether an operation made or changed elements; one that returns nothing changes its arguments."""
    return any(tensor.numel() for tensor in _tensors(result if func._schema.returns else args))


class _HostReads(TorchFunctionMode):
    """Notes the reads of a tensor by the host that dispatch does not show for tensors on the CPU."""

    def __init__(self, watched: Watched) -> None:
        super().__init__()
        self._watched = watched

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in _HOST_READS:
            self._watched.waits.append(f"Tensor.{func.__name__}")
        return func(*args, **(kwargs or {}))


@contextmanager
def poisoned_allocations(byte: int, memory: Memory) -> Iterator[Watched]:
    """Poison with `byte` all memory that torch hands out unwritten inside the block, from `memory`."""
    watched = Watched()
    with _Poison(byte, memory, watched), _HostReads(watched):
        yield watched


@contextmanager
def counted_launches(launches: list[str]) -> Iterator[None]:
    """Append the name of each Triton kernel that is launched inside the block, compiled or interpreted."""

    def on_interpreted(launch: InterpretedLaunch, run: Callable[[], None]) -> None:
        launches.append(launch.kernel.__name__)
        run()

    with interpreted_launches(on_interpreted), compiled_launches(launches.append):
        yield
