"""What a call of a gather puts on the GPU: each launch of a Triton kernel, and whatever else there is.

Launches are seen where Triton hands them to the driver, in `__call__` of its launcher's class (`CudaLauncher` since
Triton 3.6): launches through `kernel[grid]`, through `compiled[grid]` and through `compiled.run` all pass by there.
Triton's hooks would miss the last, and do not tell the grid. One is set nevertheless: who launches by a shorter way, as
the project's gathers do, must not while somebody listens. That nothing was missed is checked against the nodes of a
CUDA graph of the same call.
"""

import ctypes
import gc
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from triton.compiler import CompiledKernel

from tests.calls.inputs import Arguments
from tests.instruments.collection import no_collection
from tests.instruments.cost.machine_code import ptx_moves
from tests.instruments.launches.cubin import NotACubin, machine_code
from tests.instruments.launches.identity import CallRecord, Identity, LaunchRecord, compare
from tests.instruments.triton_seams import Launched, UnknownLauncher, launcher_calls, launcher_class

NODE_TYPES = {0: "kernel", 1: "copy", 2: "fill", 3: "host call", 4: "child graph", 5: "nothing"}
"""Of a CUDA graph, as `CUgraphNodeType` numbers them; an empty node is no work."""
SETTINGS = (
    "num_warps",
    "num_ctas",
    "cluster_dims",
    "shared",
    "launch_pdl",
    "launch_cooperative_grid",
    "global_scratch_size",
    "tmem_size",
)
"""Fields of a compiled kernel's metadata that decide how it is launched; versions of Triton lack some."""


PROGRAMMATIC = 1
"""Kind of an edge of a CUDA graph across which a kernel may start early, as `CUgraphDependencyType` numbers them."""


class _Edge(ctypes.Structure):
    """`CUgraphEdgeData`."""

    _fields_ = (
        ("from_port", ctypes.c_ubyte),
        ("to_port", ctypes.c_ubyte),
        ("kind", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte * 5),
    )


class CannotObserve(Exception):
    """What a call launches cannot be told; the text says why."""


class _Place(NamedTuple):
    """Memory that has a name."""

    start: int
    end: int
    name: str
    origin: int
    """The address that offsets are told from."""


_kernels: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
"""Compiled kernels by the driver's handle of their function."""


def kernel_of(handle: int) -> Any:
    """Return the compiled kernel that a launch named.

    Raises:
        CannotObserve: no kernel of Triton's has the handle.
    """
    if handle not in _kernels:
        # Caches of kernels are not public, and a gather may keep its own.
        for found in gc.get_objects():
            if issubclass(type(found), CompiledKernel) and getattr(found, "function", None) is not None:
                _kernels[found.function] = found
    if handle not in _kernels:
        raise CannotObserve("a kernel was launched that is not one of Triton's")
    return _kernels[handle]


def identify(base: Callable[..., Any], head: Callable[..., Any], arguments: Sequence[Any]) -> Identity:
    """Call both sides with the same arguments on an NVIDIA GPU, and return whether they do the same there.

    Args:
        base: a gather.
        head: the same gather of the other side.
        arguments: the seven arguments of the call.

    Raises:
        Exception: whatever a call raises.
    """
    records = []
    for name, function in (("base", base), ("head", head)):
        function(*arguments)  # so that everything is compiled, and loaded, before the capture
        try:
            record = record_call(function, arguments, graph_nodes, launcher_class())
            records.append(replace(record, early_starts=early_starts(function, arguments)))
        except CannotObserve as error:
            return Identity((f"{name}: {error}",))
    return compare(*records)


def record_call(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    count_nodes: Callable[[Callable[[], None]], Mapping[str, int] | None],
    launcher: Any,
) -> CallRecord:
    """Call a gather, and return what it put on the GPU.

    Args:
        function: a gather that has been called with such arguments before.
        arguments: its seven positional arguments.
        count_nodes: makes the call that it is given, and returns the nodes of the call's CUDA graph by type.
        launcher: see `launcher_calls`.

    Raises:
        CannotObserve: with why.
        Exception: whatever the call raises.
    """
    results: list[Any] = []
    seen: list[Launched] = []
    try:
        with launcher_calls(launcher, seen.append):
            nodes = count_nodes(lambda: results.append(function(*arguments)))
    except UnknownLauncher as error:
        raise CannotObserve(str(error)) from error
    places = _places(arguments, results)
    return CallRecord(tuple(_launch(one, kernel_of(one.function), places) for one in seen), nodes)


def graph_nodes(call: Callable[[], None]) -> Mapping[str, int]:
    """Capture a call in a CUDA graph, which is not run, and return how many nodes of each type it has.

    Raises:
        CannotObserve: the call cannot be captured, or the driver does not tell.
    """
    graph = _captured(call)
    library = ctypes.CDLL("libcuda.so.1")
    handle, count = ctypes.c_void_p(graph.raw_cuda_graph()), ctypes.c_size_t(0)
    _check(library.cuGraphGetNodes(handle, None, ctypes.byref(count)))
    nodes = (ctypes.c_void_p * count.value)()
    _check(library.cuGraphGetNodes(handle, nodes, ctypes.byref(count)))
    kinds: Counter[str] = Counter()
    for node in nodes:
        kind = ctypes.c_int(-1)
        _check(library.cuGraphNodeGetType(ctypes.c_void_p(node), ctypes.byref(kind)))
        kinds[NODE_TYPES.get(kind.value, f"node of type {kind.value}")] += 1
    del kinds["nothing"]
    return kinds


def early_starts(function: Callable[..., Any], arguments: Sequence[Any]) -> int:
    """Return how many launches may start early in a CUDA graph of a fill and two calls, which is not run.

    Raises:
        CannotObserve: the calls cannot be captured, or the driver, as before CUDA 12.3, does not tell.
    """
    scratch = torch.empty(4, dtype=torch.int32, device=arguments[0].device)

    def calls() -> None:
        scratch.fill_(0)
        function(*arguments)
        function(*arguments)

    graph = _captured(calls)
    library = ctypes.CDLL("libcuda.so.1")
    if not hasattr(library, "cuGraphGetEdges_v2"):
        raise CannotObserve("the driver does not tell which kernels of a CUDA graph may start early")
    handle, count = ctypes.c_void_p(graph.raw_cuda_graph()), ctypes.c_size_t(0)
    _check(library.cuGraphGetEdges_v2(handle, None, None, None, ctypes.byref(count)))
    ends = [(ctypes.c_void_p * count.value)() for _ in range(2)]
    edges = (_Edge * count.value)()
    _check(library.cuGraphGetEdges_v2(handle, *ends, edges, ctypes.byref(count)))
    return sum(edge.kind == PROGRAMMATIC for edge in edges)


def _captured(call: Callable[[], None]) -> torch.cuda.CUDAGraph:
    graph, stream = torch.cuda.CUDAGraph(keep_graph=True), torch.cuda.Stream()
    torch.cuda.synchronize()
    try:
        # Not `torch.cuda.graph`: it collects garbage and empties the allocator's cache each time.
        with no_collection(), torch.cuda.stream(stream):
            graph.capture_begin()
            try:
                call()
            except BaseException:
                with suppress(RuntimeError):  # what went wrong in the call says more
                    graph.capture_end()
                raise
            graph.capture_end()
    except RuntimeError as error:
        raise CannotObserve(f"a CUDA graph cannot hold the call: {str(error).splitlines()[0]}") from error
    return graph


def _check(status: int) -> None:
    if status:
        raise CannotObserve(f"the driver does not tell what a CUDA graph holds: error {status}")


def _launch(seen: Launched, compiled: Any, places: Sequence[_Place]) -> LaunchRecord:
    cubin = compiled.asm.get("cubin")
    if cubin is None:
        raise CannotObserve(f"{compiled.name} is not compiled for an NVIDIA GPU")
    try:
        code = replace(machine_code(cubin), moves=ptx_moves(compiled.asm.get("ptx", "")))
    except NotACubin as error:
        raise CannotObserve(f"{compiled.name}: {error}") from error
    metadata = compiled.metadata._asdict()
    settings = {name: metadata[name] for name in SETTINGS if name in metadata}
    signature = dict(compiled.src.signature)
    if len(signature) != len(seen.arguments):
        raise CannotObserve(f"{compiled.name} was given {len(seen.arguments)} arguments, expected {len(signature)}")
    arguments = tuple(
        (str(name), _value(compiled.name, value, kind, places))
        for (name, kind), value in zip(signature.items(), seen.arguments, strict=True)
        if kind != "constexpr"
    )
    return LaunchRecord(compiled.name, seen.grid, settings, code, arguments)


def _value(kernel: str, value: Any, kind: Any, places: Sequence[_Place]) -> str:
    if isinstance(kind, str) and kind.startswith("*"):
        return _place(value if isinstance(value, int) else value.data_ptr(), places)
    if isinstance(value, bool | int | float):
        return repr(value)
    raise CannotObserve(f"{kernel} is given a {type(value).__name__}, which cannot be compared")


def _places(arguments: Sequence[Any], results: Sequence[Any]) -> list[_Place]:
    places = []
    for name, argument in zip(Arguments._fields, arguments, strict=True):
        if isinstance(argument, torch.Tensor):
            storage = argument.untyped_storage()
            start = storage.data_ptr()
            places.append(_Place(start, start + storage.nbytes(), name, argument.data_ptr()))
    tensors = [part for result in results for part in (result if isinstance(result, tuple) else (result,))]
    # K and S may share one allocation.
    storages = [tensor.untyped_storage() for tensor in tensors if isinstance(tensor, torch.Tensor)]
    blocks = {storage.data_ptr(): storage.nbytes() for storage in storages}
    places += [
        _Place(start, start + size, f"result {number}", start) for number, (start, size) in enumerate(blocks.items())
    ]
    return places


def _place(address: int, places: Sequence[_Place]) -> str:
    for place in places:
        if place.start <= address < place.end:
            return f"{place.name} + {address - place.origin}"
    return f"memory of its own, aligned to {min(address & -address, 256)}" if address else "null"
