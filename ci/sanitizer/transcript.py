"""What a run under compute-sanitizer amounts to: findings, each on the case and the call that was under way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ci.processes import Message
from ci.reports.decision import counted
from ci.sanitizer.hazards import Hazard, Record, hazard_of, seen_of, take_apart
from ci.sanitizer.tools import CANARY
from tests.cases.case import Case
from tests.contract import Contract
from tests.examine.blame import rule_of
from tests.examine.finding import Finding


class Subject(NamedTuple):
    """An implementation on a case."""

    implementation: str
    """As the user names it."""
    case: str
    """Its id."""

    def __str__(self) -> str:
        return f"{self.case} of {self.implementation}"


@dataclass(frozen=True)
class Allocation:
    """Memory that an argument or a result lies in."""

    name: str
    address: int
    size: int

    def distance(self, address: int) -> int:
        """Return how far an address lies outside, 0 if it lies inside."""
        return max(self.address - address, address - (self.address + self.size) + 1, 0)

    def place(self, address: int) -> str:
        """Return where an address lies, in the user's terms."""
        if address < self.address:
            return f"{self.address - address:,} before {self.name}"
        past = address - (self.address + self.size) + 1
        if past > 0:
            return f"{past:,} past the end of {self.name}"
        return f"byte {address - self.address:,} of {self.name}"


@dataclass(frozen=True)
class Sighting:
    """A hazard, and what was under way when it was reported."""

    hazard: Hazard
    examined: Subject | None
    function: str
    nearest: Allocation | None
    """The argument or result that the access was closest to; the latest, where memory was used again."""

    @property
    def distance(self) -> int:
        """How far outside of it the access lies."""
        return self.nearest.distance(self.hazard.address) if self.nearest and self.hazard.address is not None else 0


@dataclass
class Transcript:
    """What was said, in order, and how far the process came."""

    sightings: list[Sighting] = field(default_factory=list)
    done: list[Subject] = field(default_factory=list)
    """What was examined to its end."""
    current: Subject | None = None
    """What was under way when the process ended."""
    lost: list[Finding] = field(default_factory=list)
    """What the examination found before it lost the GPU."""
    has_ended: bool = False
    """Whether all cases were gone through."""
    is_trustworthy: bool = False
    """Whether the tool reported the fault that was planted for it."""
    has_summary: bool = False
    not_printed: int = 0
    remarks: list[str] = field(default_factory=list)
    """Other things that the tool said."""


def read(heard: Iterable[Message | str]) -> Transcript:
    """Return the transcript of what a process has told and the tool over it has written."""
    transcript = Transcript()
    function, allocations = "", list[Allocation]()
    for item in take_apart(heard):
        if isinstance(item, Record):
            _note(item, transcript, function, allocations)
        elif "case" in item:
            transcript.current = Subject(item.get("implementation", ""), item["case"])
            function, allocations = "", []
        elif "function" in item:
            function = item["function"]
        elif "tensor" in item:
            allocations.append(Allocation(item["tensor"], item["address"], item["size"]))
        elif "done" in item:
            transcript.done.append(Subject(item.get("implementation", ""), item["done"]))
            transcript.current = None
        elif "lost" in item:
            transcript.lost = [_on(transcript.current, Finding.from_json(told)) for told in item["lost"]]
        elif "all_done" in item:
            transcript.has_ended = True
    return transcript


def _note(record: Record, transcript: Transcript, function: str, allocations: list[Allocation]) -> None:
    transcript.not_printed += record.not_printed
    transcript.has_summary |= record.is_summary
    hazard = hazard_of(record)
    if hazard is None:
        if not record.is_summary and record.headline != "COMPUTE-SANITIZER":
            transcript.remarks.append(record.headline)
    elif hazard.kernel.startswith(CANARY):
        transcript.is_trustworthy = True
    else:
        address = hazard.address
        here = reversed(allocations if address is not None else [])
        nearest = min(here, key=lambda allocation: allocation.distance(address or 0), default=None)
        transcript.sightings.append(Sighting(hazard, transcript.current, function, nearest))


def _on(examined: Subject | None, finding: Finding) -> Finding:
    implementation = examined.implementation if examined else ""
    return replace(finding, details={**finding.details, "implementation": implementation})


def findings_of(transcript: Transcript, tool: str, cases: Mapping[str, Case], contract: Contract) -> list[Finding]:
    """Return a finding for each place of a kernel that did something it must not do to a tensor.

    Args:
        transcript: what was said.
        tool: that said it.
        cases: by id.
        contract: the level of promise; findings of higher rules are left out.
    """
    together: dict[tuple[str, ...], list[Sighting]] = {}
    for sighting in transcript.sightings:
        hazard, examined = sighting.hazard, sighting.examined
        if examined is None or examined.case not in cases:
            continue
        if hazard.is_torchs_own and hazard.kind in ("unwritten", "race"):
            # Torch's own kernels compare results, also those that were left unwritten.
            continue
        tensor = sighting.nearest.name if sighting.nearest else ""
        place = (hazard.kind, hazard.operation, hazard.kernel, hazard.source, tensor)
        together.setdefault((*examined, sighting.function, *place), []).append(sighting)
    findings = [
        _finding(tool, sightings, implementation, cases[case])
        for (implementation, case, *_), sightings in together.items()
    ]
    return [finding for finding in findings if contract.holds(finding.rule)]


def _finding(tool: str, sightings: list[Sighting], implementation: str, case: Case) -> Finding:
    closest = min(sightings, key=lambda sighting: sighting.distance)
    hazard, nearest = closest.hazard, closest.nearest
    details = {
        "tool": tool,
        "implementation": implementation,
        "kernel": hazard.kernel,
        "source": hazard.source,
        "address": hazard.address,
        "tensor": nearest.name if nearest else None,
        "accesses": len(sightings),
    }
    message = f"{tool}: {_sentence(closest)}"
    if len(sightings) > 1:
        message += f"; {len(sightings):,} accesses of this kind"
    seen = seen_of(hazard)
    rule = rule_of(seen, case.rules)
    return Finding(rule, case.id, closest.function, message, details, f"{seen.value}: {details['tensor']}")


def _sentence(sighting: Sighting) -> str:
    hazard, nearest = sighting.hazard, sighting.nearest
    line = f", in {hazard.source.replace(':', ' line ')}" if hazard.source else ""
    if hazard.kind == "race":
        return f"threads of {hazard.kernel} {hazard.operation} the same shared memory with no barrier between{line}"
    where = ""
    if hazard.address is not None:
        address = f"address {hazard.address:#x}"
        where = f" at {nearest.place(hazard.address)} ({address})" if nearest else f" at {address}"
    does = {"read": "read", "write": "wrote"}.get(hazard.operation, f"did an {hazard.operation} on")
    what = counted(hazard.size, "byte")
    remark = {"unwritten": " that nothing had written,", "misaligned": ", misaligned,"}.get(hazard.kind, "")
    return f"program {hazard.program} of {hazard.kernel} {does} {what}{remark}{where}{line}"
