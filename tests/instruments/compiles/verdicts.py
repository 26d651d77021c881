"""What the compiler said earlier, on disk."""

import json
from pathlib import Path
from typing import NamedTuple

from tests.calls import files


class Verdict(NamedTuple):
    """What the compiler says of a variant."""

    reason: str | None
    """Why it does not compile, in Triton's words; None where it does."""
    line: int | None = None
    """Line of the kernel that Triton names, counted from its `def` as 1."""


COMPILES = Verdict(None)


class Verdicts:
    """Verdicts by key, one file each, shared by all processes that use the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Verdict] = {}

    def get(self, key: str) -> Verdict | None:
        """Return the verdict that is kept under a key; a damaged one counts as none, and is written anew."""
        if key not in self._known:
            try:
                reason, line = json.loads(self._file(key).read_text(encoding="utf-8"))
            except (OSError, ValueError, TypeError):
                return None
            self._known[key] = Verdict(reason, line)
        return self._known[key]

    def keep(self, key: str, verdict: Verdict) -> None:
        """Keep a verdict."""
        self._known[key] = verdict
        self._folder.mkdir(parents=True, exist_ok=True)
        files.replace(self._file(key), json.dumps(verdict).encode())

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.json"
