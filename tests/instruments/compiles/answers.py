"""What the compiler said earlier, on disk."""

import json
from pathlib import Path
from typing import NamedTuple

from tests.calls import files


class Answer(NamedTuple):
    """What the compiler says of a variant."""

    reason: str | None
    """Why it does not compile, in Triton's words; None where it does."""
    line: int | None = None
    """Line of the kernel that Triton names, counted from its `def` as 1."""


COMPILES = Answer(None)


class Answers:
    """Answers by key, one file each, shared by all processes that use the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Answer | None:
        """Return the answer that is kept under a key; a damaged one counts as none, and is written anew."""
        try:
            return Answer(*json.loads(self._file(key).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def keep(self, key: str, answer: Answer) -> None:
        """Keep an answer."""
        self._folder.mkdir(parents=True, exist_ok=True)
        files.replace(self._file(key), json.dumps(answer).encode())

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.json"
