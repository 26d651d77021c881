"""What the checker found, with repeats merged."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Violation:
    """One kind of misdeed at one place of a kernel.

    `offset` is where the access begins in the tensor, in bytes (negative: before it). `program_id` has as many
    entries as the grid; it is empty for a finding about a whole launch. `count` says how often it happened.
    """

    kind: str
    program_id: tuple[int, ...]
    operation: str
    source_file: str
    source_line: int
    tensor: str
    message: str
    offset: int = 0
    count: int = 1
    outside: int = 0
    """Of an address made of a value that wrapped or is undefined: how many of `count` lay outside its tensor."""


@dataclass(frozen=True)
class Traffic:
    """Bytes that active lanes moved, repeats included."""

    bytes_read: int = 0
    bytes_written: int = 0


class Findings:
    """Collects violations, merging those of one kind, tensor and line."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str, int], Violation] = {}

    def add(self, new: Violation) -> None:
        """Record lanes (or programs) that did one thing at one place.

        The message kept is the first one, or else the first about an address outside.
        """
        key = (new.kind, new.tensor, new.source_file, new.source_line)
        if known := self._found.get(key):
            told = new.message if new.outside and not known.outside else known.message
            count, outside = known.count + new.count, known.outside + new.outside
            new = replace(known, message=told, count=count, outside=outside)
        self._found[key] = new

    def all(self) -> list[Violation]:
        """The violations in the order in which they were first seen."""
        return list(self._found.values())
