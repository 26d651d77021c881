"""The tools of compute-sanitizer that are of use here, and where the program is."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.calls.errors import Foreseen

TOOLS = {
    "memcheck": "accesses outside of any allocation, and misaligned ones",
    "initcheck": "reads of global memory that nothing has written",
    "racecheck": "hazards between threads in shared memory",
}
"""What each tool looks for."""
CANARY = "canary"
"""Begins the name of each kernel of `canaries`, whose faults are planted."""
PROGRAM = "compute-sanitizer"
USUAL_HOME = "/usr/local/cuda"
"""Where CUDA lies if nothing says otherwise."""
MAX_PRINTED = 10_000
"""Reports that the tool prints. Each thread that errs has one."""
PADDING_BYTES = 1 << 16
"""Left free behind each allocation: CUDA lays them side by side, and the next one's bytes are nobody's fault.

An access that misses by more may still hit another allocation, which no tool calls wrong.
"""
TORCHS_KERNELS = ("_ZN2at", "at_cuda_detail")
"""Parts of the mangled names of torch's own kernels."""
SECONDS_TO_START = 120
"""Until the program must have begun to use CUDA, which importing torch comes before."""


def find_program(environment: Mapping[str, str] = os.environ) -> str:
    """Return the path of compute-sanitizer.

    Raises:
        Foreseen: it is neither on the PATH nor in CUDA's usual folders.
    """
    homes = [environment.get(name) for name in ("CUDA_HOME", "CUDA_PATH")]
    folders = [str(Path(home) / "bin") for home in (*homes, USUAL_HOME) if home]
    path = os.pathsep.join([environment.get("PATH", os.defpath), *folders])
    found = shutil.which(PROGRAM, path=path)
    if found is None:
        raise Foreseen(
            f"{PROGRAM} is not on the PATH nor in CUDA's folders; it comes with the CUDA toolkit "
            "(package cuda-sanitizer) and is needed for this check"
        )
    return found


def command(program: str, tool: str) -> list[str]:
    """Return the start of a command line that runs a program under a tool.

    A kernel that errs is ended, and neither the process nor its GPU context: what it had not done it does not do, and
    CUDA reports no error. (What the hardware reports by itself still ends the context.)

    Racecheck leaves torch's own kernels alone, whose hazards are no finding. The others watch them: what they write is
    written, for initcheck, and an implementation may launch them, for memcheck.
    """
    options: dict[str, list[str]] = {
        "memcheck": ["--padding", str(PADDING_BYTES)],
        "racecheck": [word for part in TORCHS_KERNELS for word in ("--kernel-name-exclude", f"kns={part}")],
    }
    words = (
        f"--tool {tool} --destroy-on-device-error kernel --print-limit {MAX_PRINTED} --show-backtrace no "
        # Not the compilers that Triton starts.
        f"--launch-timeout {SECONDS_TO_START} --target-processes application-only"
    )
    return [program, *words.split(), *options.get(tool, [])]
