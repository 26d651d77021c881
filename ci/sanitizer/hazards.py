"""What comes out of a process under compute-sanitizer, taken apart: the process's messages, and the tool's records.

The tool and the process write to one pipe, so that their lines tell what was going on when the tool spoke. A record may
tell of a hazard: which kernel did what to which address, and from which line.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ci.processes import Message
from tests.examine.blame import Seen

_TOOL = re.compile(r"^========= ?(?P<text>.*)$")
_SUMMARY = re.compile(r"^(?:[A-Z]+ )?SUMMARY: ")
_NOT_PRINTED = re.compile(r"(?P<count>\d+) (?:errors|hazards).* were not printed")
_ACCESS = re.compile(r"^Invalid __(?P<space>\w+)__ (?P<operation>\w+) of size (?P<size>\d+) bytes?")
_UNWRITTEN = re.compile(r"^Uninitialized __(?P<space>\w+)__ memory (?P<operation>\w+) of size (?P<size>\d+) bytes?")
_RACE = re.compile(r"^(?:Error|Warning): Race reported between (?P<first>\w+) access (?P<at>at .*)$")
_RACE_OTHER = re.compile(r"^and (?P<second>\w+) access (?P<at>at .*?)(?: \[(?P<count>\d+) hazards?\])?$")
_AT = re.compile(r"at (?P<kernel>.+?)\+0x[0-9a-f]+(?: in (?P<file>.+?):(?P<line>\d+))?(?=$|[\s:\[])")
_THREAD = re.compile(r"\bin block \((?P<block>\d+,\d+,\d+)\)")
_ADDRESS = re.compile(r"^(?:Address|Access at|Access to) 0x(?P<address>[0-9a-f]+)(?P<rest>.*)$")
_TORCHS_OWN = re.compile(r"\bat::|at_cuda_detail|\bcub::|\bthrust::|\bcutlass::")


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


@dataclass(frozen=True)
class Hazard:
    """One thing that a kernel must not do."""

    kind: str
    """`outside`, `misaligned`, `unwritten` or `race`."""
    kernel: str
    operation: str
    """`read`, `write`, `atomic`; of a race, both, as in `write and read`."""
    size: int = 0
    """Bytes of the access, 0 for a race."""
    source: str = ""
    """`file:line`, empty where the kernel was compiled without lines; of a race, both."""
    program: str = ""
    """The block, `(0, 0, 0)`, which is a Triton program."""
    address: int | None = None
    """What was accessed, where the tool tells it."""

    @property
    def is_torchs_own(self) -> bool:
        """Whether the kernel is one of torch's, as those that judge results are."""
        return bool(_TORCHS_OWN.search(self.kernel))


def hazard_of(record: Record) -> Hazard | None:
    """Return the hazard that a record tells of, or None if it tells of something else."""
    race = _RACE.match(record.headline)
    if race:
        return _race(race, record)
    found = _ACCESS.match(record.headline) or _UNWRITTEN.match(record.headline)
    if not found:
        return None
    kind = "outside" if found.re is _ACCESS else "unwritten"
    kernel, source, program, address = "", "", "", None
    for line in record.details:
        if line.startswith("at ") and not kernel:
            kernel, source = _place(line)
        elif thread := _THREAD.search(line):
            program = f"({thread['block'].replace(',', ', ')})"
        elif where := _ADDRESS.match(line):
            address = int(where["address"], 16)
            if "misaligned" in where["rest"]:
                kind = "misaligned"
    return Hazard(kind, kernel, found["operation"], int(found["size"]), source, program, address)


def seen_of(hazard: Hazard) -> Seen:
    """Return what a hazard is to the examination."""
    if hazard.kind == "outside":
        return Seen.READ_OUTSIDE if hazard.operation == "read" else Seen.WRITE_OUTSIDE
    return {"misaligned": Seen.ALIGNMENT, "unwritten": Seen.UNDEFINED, "race": Seen.RACE}[hazard.kind]


def _race(first: re.Match[str], record: Record) -> Hazard:
    kernel, source = _place(first["at"])
    operations, sources = [first["first"].lower()], [source]
    for line in record.details:
        other = _RACE_OTHER.match(line)
        if other:
            operations.append(other["second"].lower())
            sources.append(_place(other["at"])[1])
    told = " and ".join(dict.fromkeys(place for place in sources if place))
    return Hazard("race", kernel, " and ".join(operations), source=told)


def _place(text: str) -> tuple[str, str]:
    """Return the kernel and the `file:line` of a place, empty where they are not told."""
    found = _AT.search(text)
    if not found:
        return text.removeprefix("at ").strip(), ""
    return found["kernel"], f"{found['file']}:{found['line']}" if found["file"] else ""
