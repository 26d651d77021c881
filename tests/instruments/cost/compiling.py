"""Compiling a variant for a GPU that is not there. Needs a process in which Triton compiles, not interprets."""

import importlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from tests.calls.errors import short
from tests.instruments.cost.machine_code import CannotRead, amd_figures, nvidia_figures
from tests.instruments.cost.variants import Variant

TARGETS = {
    "sm_80": GPUTarget("cuda", 80, 32),
    "sm_90": GPUTarget("cuda", 90, 32),
    "sm_100": GPUTarget("cuda", 100, 32),
    "gfx942": GPUTarget("hip", "gfx942", 64),
}
"""A100, H100 and H200, B200, MI300X."""
DISASSEMBLY_SECONDS = 60


class CannotCompile(Exception):
    """A variant's kernel is not to be found, or Triton does not compile it."""


def targets_of(backend: str) -> list[str]:
    """Return the names of the targets of a backend."""
    return [name for name, target in TARGETS.items() if target.backend == backend]


def compile_variant(variant: Variant, target: str) -> Any:
    """Compile a variant, and return what `triton.compile` does.

    One at a time in a process: LLVM keeps options in globals, and in threads the same source gives other code now and
    then.

    Args:
        variant: its kernel's module has been imported, or can be by its name.
        target: one of `TARGETS`, of the variant's backend.

    Raises:
        CannotCompile: with a sentence that says why.
    """
    kernel = find_kernel(variant.module, variant.name)
    source = ASTSource(kernel, dict(variant.signature), dict(variant.constants), dict(variant.attributes))
    try:
        return triton.compile(source, target=TARGETS[target], options=dict(variant.options))
    except Exception as error:
        raise CannotCompile(f"{variant.name} for {target}: {short(error)}") from error


def figures_of(compiled: Any) -> dict[str, int]:
    """Return the figures of what `triton.compile` returned for one of `TARGETS`. May run in a thread.

    Raises:
        CannotCompile: the machine code cannot be read.
    """
    try:
        if "cubin" in compiled.asm:
            figures = nvidia_figures(_disassembled(compiled.asm["cubin"]))
        else:
            figures = amd_figures(compiled.asm["amdgcn"])
    except (CannotRead, OSError, subprocess.SubprocessError) as error:
        raise CannotCompile(f"{compiled.name}: its machine code cannot be read: {short(error)}") from error
    return {**figures, "shared bytes": compiled.metadata.shared}


def find_kernel(module: str, name: str) -> triton.JITFunction:
    """Return the kernel whose Python function has this qualified name in a module.

    Raises:
        CannotCompile: there is none that can be reached from the module.
    """
    try:
        within = sys.modules.get(module) or importlib.import_module(module)
    except Exception as error:
        raise CannotCompile(f"{name}: importing {module} failed: {short(error)}") from error
    found: Any = within
    for part in name.split("."):
        found = getattr(found, part, None)
    for candidate in (found, *vars(within).values()):
        kernel = undecorated(candidate)
        if kernel is not None and kernel.fn.__qualname__ == name:
            return kernel
    raise CannotCompile(f"{name}: the module {module} does not hold it under that name")


def undecorated(value: Any) -> triton.JITFunction | None:
    """Return the kernel under decorators such as `triton.autotune`, if there is one."""
    while value is not None and not isinstance(value, triton.JITFunction):
        if not isinstance(value, triton.KernelInterface):
            return None
        value = getattr(value, "fn", None)
    return value


def _disassembled(cubin: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.cubin"
        path.write_bytes(cubin)
        command = [triton.knobs.nvidia.cuobjdump.path, "-sass", "-res-usage", str(path)]
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=DISASSEMBLY_SECONDS, check=True
        )
    return done.stdout
