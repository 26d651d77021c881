"""The one way to plant something in a file: bugs, costs and slowdowns are lines of it and what stands there instead."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change to plant in one file, of which a copy is made."""

    name: str
    path: Path
    edits: dict[str, str]
    """Text of the file, each occurring once, and what stands there instead."""

    def source(self) -> str:
        """Return the file's text with the change planted.

        Raises:
            ValueError: a text to replace does not stand in the file exactly once.
        """
        return self.source_of(self.path.read_text(encoding="utf-8"))

    def source_of(self, source: str) -> str:
        """Return a text, that of the file or one made of it, with the change planted.

        Raises:
            ValueError: as `source`.
        """
        for old, new in self.edits.items():
            if source.count(old) != 1:
                raise ValueError(f"{self.name}: {old!r} stands {source.count(old)} times in {self.path.name}, not once")
            source = source.replace(old, new)
        return source
