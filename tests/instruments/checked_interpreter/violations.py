"""What the checker found, with repeats merged."""

from dataclasses import dataclass, replace

_MAX_EXAMPLES = 3


@dataclass(frozen=True)
class Violation:
    """One kind of misdeed at one place of a kernel.

    `offset`, `size` and `extent` are bytes: where the access begins in the tensor (negative: before it), how
    much each lane moves, and how long the tensor is from its first to its last element. `program_id` has as
    many entries as the grid; it is empty for a finding about a whole launch. `count` says how often it
    happened, and `examples` holds the messages of the first few times; `message` is the first of them.
    """

    kind: str
    program_id: tuple[int, ...]
    operation: str
    source_file: str
    source_line: int
    tensor: str
    message: str
    offset: int = 0
    size: int = 0
    extent: int = 0
    count: int = 1
    outside: int = 0
    """Of an address made of a value that wrapped or is undefined: how many of `count` lay outside its tensor."""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Traffic:
    """Bytes that active lanes moved, repeats included."""

    bytes_read: int = 0
    bytes_written: int = 0

    def plus(self, read: int, written: int) -> "Traffic":
        """This traffic and `read` and `written` bytes more."""
        return Traffic(self.bytes_read + read, self.bytes_written + written)


class Findings:
    """Collects violations, merging those of one kind, tensor and line."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str, int], Violation] = {}

    def add(self, new: Violation) -> None:
        """Record lanes (or programs) that did one thing at one place, of whose messages `message` is the first.

        The message kept is the first one, or else the first about an address outside.
        """
        key = (new.kind, new.tensor, new.source_file, new.source_line)
        known = self._found.get(key)
        if known is None:
            self._found[key] = replace(new, examples=(new.message,))
            return
        examples = known.examples
        if len(examples) < _MAX_EXAMPLES and new.message not in examples:
            examples += (new.message,)
        told = new.message if new.outside and not known.outside else known.message
        count, outside = known.count + new.count, known.outside + new.outside
        self._found[key] = replace(known, message=told, count=count, outside=outside, examples=examples)

    def all(self) -> list[Violation]:
        """The violations in the order in which they were first seen."""
        return list(self._found.values())
