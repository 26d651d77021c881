"""What the checker found, with repeats merged."""

from dataclasses import dataclass, replace

from .source import Line

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
    offset: int
    size: int
    extent: int
    message: str
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
        self._found: dict[tuple[str, str, Line], Violation] = {}

    def add(
        self,
        kind: str,
        where: Line,
        message: str,
        *,
        operation: str,
        program_id: tuple[int, ...] = (),
        tensor: str = "",
        offset: int = 0,
        size: int = 0,
        extent: int = 0,
        count: int = 1,
        outside: int = 0,
    ) -> None:
        """Record `count` lanes (or programs) that did the same thing at the same place.

        The message kept is the first one, or else the first about an address outside.
        """
        key = (kind, tensor, where)
        known = self._found.get(key)
        if known is None:
            self._found[key] = Violation(
                kind,
                program_id,
                operation,
                where.file,
                where.line,
                tensor,
                offset,
                size,
                extent,
                message,
                count,
                outside,
                (message,),
            )
            return
        examples = known.examples
        if len(examples) < _MAX_EXAMPLES and message not in examples:
            examples += (message,)
        told = message if outside and not known.outside else known.message
        self._found[key] = replace(
            known, message=told, count=known.count + count, outside=known.outside + outside, examples=examples
        )

    def all(self) -> list[Violation]:
        """The violations in the order in which they were first seen."""
        return list(self._found.values())
