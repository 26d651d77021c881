"""Keeping Python's garbage collector out of what must not be disturbed."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect no garbage inside the block.

    A kernel that is collected unloads its module, which a capture in a CUDA graph does not survive; and a collection
    in the middle of a timed loop is counted to whatever is timed.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
