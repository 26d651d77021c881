"""What was found out before, kept in a file that processes share, or else in this process alone."""

import hashlib
import json
import sqlite3
from contextvars import ContextVar
from pathlib import Path
from typing import Any

_PATIENCE_SECONDS = 30.0
"""How long one process waits while others write."""


class Store:
    """Answers by what was asked. An answer that cannot be kept is found out anew.

    Args:
        path: the file, which is made; in this process's memory if there is none or if it is no such file.
        versions: of what gives answers: those of other versions are not found.
    """

    def __init__(self, path: Path | None = None, versions: str = "") -> None:
        self._versions = versions.encode()
        try:
            self._file = _opened(str(path) if path else ":memory:", self._versions)
        except sqlite3.Error:  # it lies where nobody may write
            self._file = _opened(":memory:", self._versions)

    def read(self, *asked: Any) -> Any:
        """Return the answer; None where there is none."""
        try:
            found = self._file.execute("SELECT answer FROM kept WHERE asked = ?", (self._key_of(asked),)).fetchone()
        except sqlite3.Error:
            return None
        return json.loads(found[0]) if found else None

    def write(self, answer: Any, *asked: Any) -> None:
        """Keep an answer, of what JSON has."""
        try:
            self._file.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (self._key_of(asked), json.dumps(answer)))
        except sqlite3.Error:
            return

    def _key_of(self, asked: tuple[Any, ...]) -> bytes:
        parts = (part if isinstance(part, bytes) else str(part).encode() for part in asked)
        return hashlib.sha256(b"\0".join([self._versions, *parts])).digest()


def _opened(name: str, versions: bytes) -> sqlite3.Connection:
    file = sqlite3.connect(name, timeout=_PATIENCE_SECONDS, isolation_level=None)
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("PRAGMA synchronous = NORMAL")
    file.execute("CREATE TABLE IF NOT EXISTS kept (asked BLOB PRIMARY KEY, answer TEXT) WITHOUT ROWID")
    mark = int.from_bytes(hashlib.sha256(versions).digest()[:3], "big")
    if file.execute("PRAGMA user_version").fetchone() != (mark,):
        file.execute("DELETE FROM kept")  # nobody would find it again
        file.execute(f"PRAGMA user_version = {mark}")
    return file


KEPT: ContextVar[Store] = ContextVar("kept")
"""Where a process keeps what it finds out, if it was told."""
_IN_MEMORY = Store()


def kept() -> Store:
    """Return where this process keeps what it finds out."""
    return KEPT.get(_IN_MEMORY)
