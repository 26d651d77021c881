"""Compiles variants, in a process in which Triton compiles; see `helper` for the other end.

`python -m tests.instruments.compiles.child DESCRIPTOR`, of a connection. What comes first says how to start: `path`, of
modules, and `implementation`, as `--impl` names it; all else are requests. Each is answered by `{"reason", "line",
"is_of_ir"}` as in `Answer`, with whether the way to Triton's IR tells it; or by `{"error"}`, a sentence, where that
cannot be told.
"""

import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import triton
from triton.compiler import ASTSource

from tests.calls.errors import short
from tests.calls.implementations import NoImplementation, load_implementation
from tests.instruments.compiles.found import NotFound, found_kernel
from tests.instruments.cost.compiling import TARGETS
from tests.instruments.cost.variants import Variant
from tests.instruments.triton_seams import front_end, told_by_compiler

TARGET = "sm_90"
SHARED_BYTES = 232_448
"""Shared memory that a program may have on that target."""


def compiled(variant: Variant, kernel: triton.JITFunction, to_machine_code: bool) -> dict[str, Any]:
    """Compile a variant, and return the answer."""
    source = ASTSource(kernel, dict(variant.signature), dict(variant.constants), dict(variant.attributes))
    is_of_ir = True
    try:
        front_end(source, TARGETS[TARGET], variant.options)
        if not to_machine_code:
            return {"reason": None, "line": None, "is_of_ir": True}
        is_of_ir = False
        shared = triton.compile(source, target=TARGETS[TARGET], options=dict(variant.options)).metadata.shared
    except OSError as error:  # a tool of Triton's is missing, say, which is not the kernel's doing
        return {"error": f"Triton's compiler does not run: {short(error)}"}
    except Exception as error:
        reason, line = told_by_compiler(error)
        return {"reason": reason, "line": line, "is_of_ir": is_of_ir}
    too_much = f"it needs {shared:,} bytes of shared memory, should be at most {SHARED_BYTES:,}"
    return {"reason": too_much if shared > SHARED_BYTES else None, "line": None, "is_of_ir": False}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request."""
    variant = Variant.from_json(request["variant"])
    try:
        kernel = found_kernel(variant, Path(request["file"]), request["def_line"])
    except NotFound as error:
        return {"error": str(error)}
    except Exception as error:
        return {"error": f"importing {request['file']} where Triton compiles failed: {short(error)}"}
    return compiled(variant, kernel, request["to_machine_code"])


def main(descriptor: int) -> None:
    """Answer requests until there are no more."""
    connection = Connection(descriptor)
    with suppress(EOFError, ConnectionError):
        start = connection.recv()
        sys.path[:] = start["path"]
        # As it is loaded where it is examined: a peer's file may not be importable by itself.
        with suppress(NoImplementation):  # what a variant needs is imported by itself then, and tells why it cannot be
            load_implementation(start["implementation"])
        while True:
            connection.send(answer(connection.recv()))


if __name__ == "__main__":
    main(int(sys.argv[1]))
