"""Examined code that forks, and whose child returns as it does: two processes then go on with the harness's work."""

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PATIENCE_SECONDS = 1.0
"""How long a child may take to return; one that never does is none of the harness's business."""

_forks = 0


def _count() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_parent=_count)


@dataclass
class Watched:
    """What was seen of a call.

    `returned_twice`: whether it returned in a child as well.
    """

    returned_twice: bool = False


@contextmanager
def ended_children() -> Iterator[Watched]:
    """End, at the end of the body, every process but the one that began it; tell whether there was another."""
    process, forks, watched = os.getpid(), _forks, Watched()
    reading, writing = os.pipe()
    try:
        yield watched
    finally:
        if os.getpid() != process:
            os.write(writing, b"\0")
            os._exit(0)
        if _forks > forks:
            watched.returned_twice = bool(select.select([reading], [], [], PATIENCE_SECONDS)[0])
        os.close(reading)
        os.close(writing)
