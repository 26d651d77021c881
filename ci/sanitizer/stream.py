"""What comes out of a process under compute-sanitizer, taken apart: the tool's records and the process's messages.

The tool and the process write to one pipe, so that their lines tell what was going on when the tool spoke.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ci.processes import Message

_TOOL = re.compile(r"^========= ?(?P<text>.*)$")
_SUMMARY = re.compile(r"^(?:[A-Z]+ )?SUMMARY: ")
_NOT_PRINTED = re.compile(r"(?P<count>\d+) (?:errors|hazards).* were not printed")


@dataclass(frozen=True)
class Record:
    """Something that the tool said: a line, and the indented lines below it."""

    headline: str
    details: tuple[str, ...] = ()

    @property
    def is_summary(self) -> bool:
        """Whether the tool tells how much it reported, which it does when the process is over."""
        return bool(_SUMMARY.match(self.headline))

    @property
    def not_printed(self) -> int:
        """Errors that the tool says it has left out."""
        found = _NOT_PRINTED.search(self.headline)
        return int(found["count"]) if found else 0


def take_apart(heard: Iterable[Message | str]) -> Iterator[Message | Record]:
    """Yield messages and records in order; other lines are of no interest."""
    headline, details = "", []
    for item in heard:
        found = _TOOL.match(item) if isinstance(item, str) else None
        text = found["text"] if found else ""
        if text.startswith(" "):
            details.append(text.strip())
            continue
        if headline:
            yield Record(headline, tuple(details))
        headline, details = text.strip(), []
        if not isinstance(item, str):
            yield item
    if headline:
        yield Record(headline, tuple(details))


def other_lines(heard: Iterable[Message | str]) -> list[str]:
    """Return the lines that are not the tool's: what the process printed before it failed, say."""
    return [item for item in heard if isinstance(item, str) and item.strip() and not _TOOL.match(item)]
