"""Makes records of calls, on an H100 that is not there. Run without Triton's interpreter.

`python -m tests.self.instruments.launches.child kernels FOLDER` compiles the versions of a small kernel, and leaves a
cubin a version. `... gathers FOLDER` calls the gathers of each `FOLDER/*/kernels`. Both leave `records.pickle`: a
`CallRecord` by name.
"""

import importlib.util
import itertools
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from ci.latency.base import load_folder
from tests.calls.inputs import Inputs
from tests.cases.case import Case
from tests.instruments.absent_h100 import AbsentGpu, Utils
from tests.instruments.launches.identity import CallRecord
from tests.instruments.launches.observed import record_call
from tests.instruments.red_zones import RedZonedMemory
from tests.instruments.triton_seams import active_driver
from tests.self.instruments.launches.kernels import ALIKE, DIFFERENT

BLOCK = 128
COUNT = 1_000
Gather = Callable[..., Any]
_handles = itertools.count(0x7F00_0000_0000, 0x100)


class Launcher:
    """Takes a launch as Triton's launchers do, and launches nothing."""

    def __init__(self, source: Any, metadata: Any) -> None:
        self._count = len(source.signature)

    def __call__(self, grid_x: int, grid_y: int, grid_z: int, stream: int, function: int, *args: Any) -> None:
        # Packed metadata, metadata for hooks and two hooks come before the kernel's arguments.
        assert len(args) == 4 + self._count, f"{self._count} arguments expected, {len(args) - 4} given"


class LoadingUtils(Utils):
    """Loads what was compiled, and gives it a handle."""

    def load_binary(self, name: str, cubin: bytes, shared: int, device: int) -> tuple[object, int, int, int, int]:
        return object(), next(_handles), 32, 0, 1024


class LaunchingH100(AbsentGpu):
    """As much of a driver as compiling and launching a kernel asks for."""

    launcher_cls = Launcher
    utils = LoadingUtils()


def compiled(file: Path, *, num_warps: int = 4) -> Any:
    """Return the one kernel of a file, compiled."""
    spec = importlib.util.spec_from_file_location(file.stem.replace("-", "_"), file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (kernel,) = (value for value in vars(module).values() if isinstance(value, triton.JITFunction))
    types = dict(zip(kernel.arg_names, ("*i32", "*i32", "i32", "constexpr"), strict=True))
    source = ASTSource(kernel, types, {(3,): BLOCK})
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": num_warps})


def gather(kernel: Any, *, direct: bool = False, grid: tuple[int, int, int] = (8, 1, 1), number: int = COUNT) -> Gather:
    """Return a function that launches a kernel, by its `run` or by `kernel[grid]`."""

    def call(buf: torch.Tensor, *others: Any) -> torch.Tensor:
        k = torch.empty_like(buf)
        if direct:
            addresses = (buf.data_ptr(), k.data_ptr(), number, BLOCK)
            run = kernel.run
            run(*grid, 0, kernel.function, kernel.packed_metadata, None, None, None, *addresses)
        else:
            kernel[grid](buf, k, number, BLOCK)
        return k

    return call


def twice(kernel: Any) -> Gather:
    """Return a function that launches a kernel twice, once into memory of its own."""

    def call(buf: torch.Tensor, *others: Any) -> torch.Tensor:
        kernel[8, 1, 1](buf, torch.empty_like(buf), COUNT, BLOCK)
        return gather(kernel)(buf)

    return call


def of_kernels(folder: Path) -> dict[str, CallRecord]:
    """Return records of launches of one small kernel: of its versions, and in various ways."""
    kernels = {}
    for age, (name, text) in enumerate({**ALIKE, **DIFFERENT}.items()):
        file = folder / f"{name}.py"
        file.write_text(text)
        os.utime(file, (1_000_000_000 + age, 1_000_000_000 + age))
        kernels[name] = compiled(file)
        (folder / f"{name}.cubin").write_bytes(kernels[name].asm["cubin"])
    plain = kernels["plain"]
    calls = {name: gather(kernel) for name, kernel in kernels.items()}
    calls |= {
        "direct": gather(plain, direct=True),
        "grid": gather(plain, grid=(16, 2, 1)),
        "count": gather(plain, number=COUNT - 1),
        "warps": gather(compiled(folder / "plain.py", num_warps=8)),
        "twice": twice(plain),
        "nothing": lambda buf, *others: torch.empty_like(buf),
    }
    buf = torch.zeros(COUNT + 1, dtype=torch.int32)
    calls["offset"] = lambda *arguments: calls["plain"](buf[1:])
    arguments = (buf, torch.zeros(1, 1), torch.zeros(1), 1, 1, 1, 1)
    return {name: record_call(call, arguments, _one_kernel, Launcher) for name, call in calls.items()}


def of_gathers(folder: Path) -> dict[str, CallRecord]:
    """Return records of `get_k_and_s` of each version of `kernels/`, of a first call and of one after it."""
    case = Case(name="some", rules=(1,), seq_lens=(700, 0, 65, 1), family="identity")
    arguments = Inputs(case, torch.device("cpu"), RedZonedMemory()).arguments
    records = {}
    for version in sorted(path.parent for path in folder.glob("*/kernels")):
        function = load_folder(version, version.name).functions["get_k_and_s"]
        for call in ("first", "later"):
            records[f"{version.name}, {call}"] = record_call(function, arguments, _one_kernel, Launcher)
    return records


def _one_kernel(call: Callable[[], None]) -> dict[str, int]:
    call()
    return {"kernel": 1}


def main(what: str, folder: Path) -> None:
    """Make records, and leave them in the folder."""
    with active_driver(LaunchingH100()):
        records = {"kernels": of_kernels, "gathers": of_gathers}[what](folder)
    (folder / "records.pickle").write_bytes(pickle.dumps(records))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
