"""Who examines what, and in which order. Pure, but for what is known already."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ci.kills.kept import Kept
from ci.kills.subjects import Subject
from tests.cases.case import Case
from tests.plugin.pace import weight_of

LIGHT_SECONDS = 0.2
"""A case that takes longer, of the style that takes least, is left out of the matrix."""
SHARE_ON_A_GPU = 10
"""One bug of so many that the CPU sees is tried on a GPU as well."""
STRETCHES_OF_A_WORKER = 4
"""Into how many parts its work is cut: a part is about as long as the start of a process is not."""


@dataclass(frozen=True)
class Task:
    """A subject, and cases in their order."""

    subject: Subject
    cases: tuple[str, ...]
    stop: str

    @property
    def order(self) -> dict[str, Any]:
        """What the process is told."""
        return {"subject": self.subject.name, "cases": self.cases, "stop": self.stop}

    def next(self, told: Iterable[str]) -> str:
        """Return the case that a process was at which told these."""
        after = max((self.cases.index(case) for case in told), default=-1) + 1
        return self.cases[min(after, len(self.cases) - 1)]


def light(cases: Sequence[Case], kept: Kept) -> list[Case]:
    """Return the cases of the matrix, the lightest first."""
    return in_order([case for case in cases if not case.heavy and kept.usual_seconds(case.id) < LIGHT_SECONDS])


def in_order(cases: Sequence[Case]) -> list[Case]:
    """Return cases as `--fail-fast` orders them."""
    return sorted(cases, key=weight_of)


def drawn(subject: Subject) -> bool:
    """Whether a GPU is to examine it, too."""
    if subject.bug is None:
        return subject.name in ("right/tile", "right/flat", "right/persistent")
    return subject.bug.needs_gpu or zlib.crc32(subject.name.encode()) % SHARE_ON_A_GPU == 0


def tasks_of(
    subjects: Sequence[Subject], cases: Sequence[Case], kept: Kept, stop: str, workers: int
) -> list[list[Task]]:
    """Return what is to be examined yet, in stretches for processes.

    Args:
        subjects: of which each is examined on all the cases.
        cases: in their order.
        kept: what is known already.
        stop: as the process is told.
        workers: how many processes there will be.
    """
    tasks = []
    for subject in subjects:
        unknown = tuple(case.id for case in cases if not kept.knows(subject, case.id))
        if not unknown or (stop == "first" and kept.is_caught(subject)):
            continue
        # Whoever never stops can be examined by several at once.
        parts = max(1, min(workers, len(unknown) // 40)) if stop == "never" and subject.bug is None else 1
        tasks += [Task(subject, unknown[part::parts], stop) for part in range(parts)]
    count = max(1, min(len(tasks), workers * STRETCHES_OF_A_WORKER))
    return [stretch for part in range(count) if (stretch := tasks[part::count])]
