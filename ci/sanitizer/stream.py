"""What comes out of a process under compute-sanitizer, taken apart: the tool's records and the process's own marks.

The tool and the process write to one pipe, so that their lines tell what was going on when the tool spoke.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

MARK = "@@examined "
"""Starts a line that the examining process writes; a JSON object follows."""
_TOOL = re.compile(r"^========= ?(?P<text>.*)$")
_SUMMARY = re.compile(r"^(?:[A-Z]+ )?SUMMARY: ")
_NOT_PRINTED = re.compile(r"(?P<count>\d+) (?:errors|hazards).* were not printed")


@dataclass(frozen=True)
class Mark:
    """Something that the examining process said."""

    content: dict[str, Any]


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


def mark(**content: Any) -> None:
    """Write a mark, as one write so that the tool's lines cannot get into it."""
    print(MARK + json.dumps(content), flush=True)


def take_apart(output: str) -> Iterator[Mark | Record]:
    """Yield marks and records in order; other lines are of no interest."""
    headline, details = "", []
    for line in output.splitlines():
        found = _TOOL.match(line)
        text = found["text"] if found else ""
        if found and text.startswith(" "):
            details.append(text.strip())
            continue
        if headline:
            yield Record(headline, tuple(details))
        headline, details = text.strip(), []
        at = line.find(MARK)
        if at >= 0:
            content = _object(line[at + len(MARK) :])
            if content is not None:
                yield Mark(content)
    if headline:
        yield Record(headline, tuple(details))


def other_lines(output: str) -> Iterable[str]:
    """Return the lines that are neither the tool's nor marks: what the process printed before it failed, say."""
    return [line for line in output.splitlines() if line.strip() and not _TOOL.match(line) and MARK not in line]


def _object(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except ValueError:  # the process ended while it wrote
        return None
    return content if isinstance(content, dict) else None
