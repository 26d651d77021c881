"""What was seen of each subject on each case, kept below `.gate/` by what the subject and the catalogue consist of."""

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ci.kills.others import ROWS
from ci.kills.subjects import Subject
from ci.processes import FOLDER
from tests import ROOT
from tests.calls import files
from tests.cases.case import Case

USUAL_SECONDS = 0.1
_THEIRS = {case.id for case in ROWS}
Seen = list[Any]
"""Seconds; what was found: rule, what was seen, function, whether other things followed, and words; why undecided."""


class Kept:
    """Answers of this run and of earlier ones.

    Args:
        device: `cpu` or `cuda`.
        cases: all that may be asked for.
    """

    def __init__(self, device: str, cases: Sequence[Case]) -> None:
        self._device, self._cases = device, [case.id for case in cases]
        self._code = _code()
        self._known: dict[str, dict[str, Seen | None]] = {}
        self._lock = threading.Lock()

    def of(self, subject: Subject) -> dict[str, Seen]:
        """Return what was seen on each case that was examined."""
        return {case: seen for case, seen in self._all(subject).items() if seen is not None}

    def knows(self, subject: Subject, case: str) -> bool:
        """Whether it was examined on the case, or cannot be."""
        return case in self._all(subject)

    def is_caught(self, subject: Subject) -> bool:
        """Whether anything was found on any case of the catalogue."""
        return any(found for case, (_, found, _) in self.of(subject).items() if case not in _THEIRS)

    def usual_seconds(self, case: str) -> float:
        """Return what the case takes the right gather that takes least."""
        right = [of for name, of in self._known.items() if name.startswith("right/") and of.get(case)]
        return min((of[case][0] for of in right if of[case]), default=USUAL_SECONDS)  # type: ignore[index]

    def add(self, subject: Subject, told: dict[str, Seen], asked: Iterable[str]) -> None:
        """Keep what a process told; of what it was asked for, and did not get to, nothing is known."""
        with self._lock:
            known = self._all(subject)
            known.update(told)
            last = list(told)[-1:] if any(found for _, found, _ in told.values()) else []
            for case in asked:
                if case in last:
                    break  # it may have stopped there
                known.setdefault(case, None)
            with suppress(files.NotWritten, OSError):
                path = self._path(subject)
                path.parent.mkdir(parents=True, exist_ok=True)
                files.write_json(path, known)

    def _all(self, subject: Subject) -> dict[str, Seen | None]:
        if subject.name not in self._known:
            self._known[subject.name] = {}
            with suppress(OSError, ValueError):
                self._known[subject.name] = json.loads(self._path(subject).read_text(encoding="utf-8"))
        return self._known[subject.name]

    def _path(self, subject: Subject) -> Path:
        parts = [self._device, subject.name, subject.key, subject.contract, self._code, *self._cases]
        return FOLDER / "kills" / f"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}.json"


def _code() -> str:
    """Return a digest of all that examines."""
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for room in ("tests/calls", "tests/cases", "tests/examine", "tests/instruments", "tests/plugin", "kernels"):
        yield from sorted((ROOT / room).rglob("*.py"))
    yield from sorted((ROOT / "tests" / "planted" / "odd").rglob("*.py"))
    yield from (ROOT / "tests" / "contract.py", ROOT / "ci" / "kills" / "others.py")
