"""Breakages of other projects' gathers that are known, as data; and which of a run's findings they are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.examine.finding import Finding

POOLS = "https://github.com/sgl-project/sglang/pull/34725"


@dataclass(frozen=True)
class Known:
    """One rule that a release of a peer is known to break."""

    peer: str
    versions: tuple[str, ...]
    rule: int
    cases: str
    """A pattern of case ids."""
    link: str
    """The public report."""


KNOWN = (
    Known("sglang", ("0.5.6", "0.5.9", "0.5.12", "0.5.23"), 12, "pools/*past-*", POOLS),
    Known("sglang", ("0.5.9", "0.5.12", "0.5.23"), 12, "pools/page-at-*", POOLS),
    Known("sglang", ("0.5.6", "0.5.9", "0.5.12", "0.5.23"), 12, "workloads/*", POOLS),
)


@dataclass(frozen=True)
class Compared:
    """A run's findings beside what is known."""

    known: Mapping[tuple[int, str], str]
    """Links, by rule and case."""
    fixed: tuple[Known, ...]
    """What no longer occurs, although its cases were examined."""

    def word(self, finding: Finding) -> str:
        """Return `new`, or `known:` and the link."""
        link = self.known.get((finding.rule, finding.case))
        return f"known: {link}" if link else "new"


def compared(
    peer: str,
    version: str,
    findings: Sequence[Finding],
    clean: Collection[str],
    bears_on: Mapping[str, Collection[int]],
    rows: Sequence[Known] = KNOWN,
) -> Compared:
    """Return which findings are known, and what is known and no longer occurs.

    Args:
        peer: as `--impl` names it.
        version: of its package.
        findings: of the run.
        clean: ids of the cases that were examined and clean.
        bears_on: the rules that each case of the catalogue bears on, by its id: what is known is gone where all cases
            of its rule are clean.
        rows: what is known.
    """
    of_peer = [row for row in rows if row.peer == peer and version in row.versions]
    known = {}
    occurring = set()
    for finding in findings:
        for row in of_peer:
            if row.rule == finding.rule and fnmatchcase(finding.case, row.cases):
                known[int(finding.rule), finding.case] = row.link
                occurring.add(row)
    fixed = []
    for row in of_peer:
        shows = {case for case, about in bears_on.items() if row.rule in about and fnmatchcase(case, row.cases)}
        if row not in occurring and shows and shows <= set(clean):
            fixed.append(row)
    return Compared(known, tuple(fixed))


def lines(told: Compared, findings: Sequence[Finding]) -> list[str]:
    """Return what a run says of known breakages: those that occur, how many findings are new, those that do not."""
    links = dict.fromkeys(told.known.values())
    new = sum((finding.rule, finding.case) not in told.known for finding in findings)
    lines = [f"known: {link}" for link in links]
    lines += [f"new: {new} of {len(findings)} findings"] if links and new else []
    return lines + [f"fixed: rule {row.rule} in {row.cases} no longer occurs: {row.link}" for row in told.fixed]
