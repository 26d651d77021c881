"""Compiles the versions of a kernel for an H100 and launches them on a driver that only looks real.

`python -m tests.seeded.identity.child FOLDER`, without Triton's interpreter, leaves a cubin a version there, and
`records.pickle`: a `CallRecord` for each way of launching, by name.
"""

import importlib.util
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
from triton.runtime import driver

from ci.latency.launches import CompiledKernels, record_call
from tests.seeded.identity.kernels import ALIKE, DIFFERENT

BLOCK = 128
COUNT = 1_000


class AbsentGpu:
    """As much of a Triton driver as a launch of a compiled kernel asks for."""

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0


class Launcher:
    """Takes a launch as Triton's does, and launches nothing."""

    def __call__(self, grid_x: int, grid_y: int, grid_z: int, stream: int, function: int, *args: Any) -> None:
        assert len(args) == 8  # packed metadata, metadata for hooks, two hooks, and the kernel's four arguments


def compiled(file: Path, *, num_warps: int = 4) -> Any:
    """Return the one kernel of a file, compiled, and loaded as far as it can be here."""
    spec = importlib.util.spec_from_file_location(file.stem.replace("-", "_"), file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (kernel,) = (value for value in vars(module).values() if isinstance(value, triton.JITFunction))
    types = dict(zip(kernel.arg_names, ("*i32", "*i32", "i32", "constexpr"), strict=True))
    source = ASTSource(kernel, types, {(3,): BLOCK})
    done = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": num_warps})
    done.module, done.function, done._run = object(), id(done), Launcher()
    return done


def gather(kernel: Any, *, direct: bool = False, grid: tuple[int, int, int] = (8, 1, 1), number: int = COUNT) -> Any:
    """Return a function that launches a kernel, by its `run` or by `kernel[grid]`."""

    def call(buf: torch.Tensor, *others: Any) -> torch.Tensor:
        k = torch.empty_like(buf)
        if direct:
            addresses = (buf.data_ptr(), k.data_ptr(), number, BLOCK)
            kernel.run(*grid, 0, kernel.function, kernel.packed_metadata, None, None, None, *addresses)
        else:
            kernel[grid](buf, k, number, BLOCK)
        return k

    return call


def twice(kernel: Any) -> Any:
    """Return a function that launches a kernel twice, once into memory of its own."""

    def call(buf: torch.Tensor, *others: Any) -> torch.Tensor:
        kernel[8, 1, 1](buf, torch.empty_like(buf), COUNT, BLOCK)
        return gather(kernel)(buf)

    return call


def made(call: Callable[[], None]) -> dict[str, int]:
    call()
    return {"kernel": 1}


def main(folder: Path) -> None:
    driver.set_active(AbsentGpu())
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
    found = CompiledKernels()
    records = {name: record_call(call, arguments, found, made, Launcher) for name, call in calls.items()}
    (folder / "records.pickle").write_bytes(pickle.dumps(records))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
