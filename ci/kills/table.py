"""What all kills come to: JSON and Markdown. Pure, but for what was seen."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ci.kills.instruments import INSTRUMENTS, NEED_GPU, instrument_of
from ci.kills.kept import Kept
from ci.kills.others import PROJECTS
from ci.kills.plan import in_order
from ci.kills.subjects import Subject
from ci.kills.witnesses import WITNESSES
from tests.cases.case import Case
from tests.planted.classes import CLASSES

FOLLOWED = "rows"
"""What follows from an earlier finding is a wrong row, that would have been found without it."""


def content(
    device: str, subjects: Sequence[Subject], cases: Sequence[Case], kept: Kept, *, is_matrix: bool
) -> dict[str, Any]:
    """Return the report's own content.

    Args:
        device: `cpu` or `cuda`.
        subjects: all that were examined.
        cases: of the catalogue and of other projects.
        kept: what was seen.
        is_matrix: whether witnesses were examined on all cases.
    """
    theirs = {case.id for of in PROJECTS.values() for case in of}
    order = [case.id for case in in_order(cases)]
    place = {case: at for at, case in enumerate(order)}
    bugs: dict[str, Any] = {}
    kills: Counter[str] = Counter()
    missed: list[str] = []
    right: dict[str, int] = {}
    alarms: list[dict[str, Any]] = []
    unseen: list[str] = []
    undecided: list[str] = []
    for subject in subjects:
        seen = kept.of(subject)
        found = {case: of[1] for case, of in seen.items() if of[1]}
        open_ = [f"{subject.name} on {case}: {of[2]}" for case, of in seen.items() if of[2] and case not in theirs]
        if subject.bug is None:
            alarms += [{"subject": subject.name, "case": case, "found": of} for case, of in found.items()]
            right[subject.name] = sum(not of[1] and of[2] is None for of in seen.values())
            undecided += open_
            continue
        caught = sorted((case for case in found if case not in theirs), key=place.__getitem__)
        is_out_of_sight = subject.bug.needs_gpu if device == "cpu" else subject.bug.needs_interpreter
        if not caught and is_out_of_sight:
            unseen.append(subject.name)
        elif not caught and open_:
            undecided += open_
        elif not caught:
            missed.append(subject.name)
        kills.update(caught if subject.name in WITNESSES else ())
        bugs[subject.name] = {
            "class": subject.bug.kind,
            "report": subject.bug.report,
            **_first(caught, found, seen, place, theirs),
            "families": dict(Counter(case.split("/")[0] for case in caught)),
            "instruments": _instruments(found[case] for case in caught),
            "others": {
                name: [any(case.id in found for case in of), _by_rows(found.get(case.id, ()) for case in of)]
                for name, of in PROJECTS.items()
                if any(case.id in seen for case in of)
            },
        }
    return {
        "device": device,
        "matrix": is_matrix,
        "kills": {case: kills[case] for case in order},
        "bugs": bugs,
        "missed": missed,
        "unseen": unseen,
        "alarms": alarms,
        "right": right,
        "idle": idle(_tried_on_all(bugs), {case.family for case in cases if case.id not in theirs})
        if is_matrix
        else [],
        "undecided": undecided,
    }


def _tried_on_all(bugs: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [bug for name, bug in bugs.items() if name in WITNESSES]


def idle(bugs: Iterable[Mapping[str, Any]], families: Iterable[str]) -> list[str]:
    """Return the instruments that need no GPU, and the families but `logits`, that no bug needs to be caught."""
    needed = {name for bug in bugs for what in ("instruments", "families") if len(bug[what]) == 1 for name in bug[what]}
    return sorted(({*INSTRUMENTS, *families} - {*NEED_GPU, "logits"}) - needed)


def _first(
    caught: Sequence[str], found: dict[str, Any], seen: dict[str, Any], place: dict[str, int], theirs: set[str]
) -> dict[str, Any]:
    """Return where it was found first, and after how many of the processor's seconds."""
    if not caught:
        return {"first": None, "rule": None, "seconds": None}
    first = caught[0]
    before = (of[0] for case, of in seen.items() if place[case] <= place[first] and case not in theirs)
    return {"first": first, "rule": found[first][0][0], "seconds": round(sum(before), 2)}


def _instruments(findings: Iterable[Sequence[Any]]) -> list[str]:
    by = set()
    for of in findings:
        for _, seen, _, is_followed, _ in of:
            by.add(instrument_of(seen))
            by.update([FOLLOWED] if is_followed else [])
    return sorted(by)


def _by_rows(findings: Iterable[Sequence[Any]]) -> bool:
    """Whether wrong rows were among what was found, which is all that those tests look at."""
    return FOLLOWED in _instruments(findings)


def _rate(hits: Iterable[bool]) -> str:
    hits = list(hits)
    return f"{sum(hits)} of {len(hits)}"


def markdown(report: dict[str, Any]) -> str:
    """Return the tables of a report."""
    bugs = report["bugs"]
    lines = [
        f"On `{report['device']}`, {len(bugs)} planted bugs, {len(report['right'])} right implementations on "
        f"{sum(report['right'].values())} cases.",
        "",
        f"| class | bugs | caught | first found after, median s | {' | '.join(f'test of {of}' for of in PROJECTS)} |",
        "|---" * (4 + len(PROJECTS)) + "|",
    ]
    for kind in (*CLASSES, "all"):
        of = [bug for bug in bugs.values() if kind in (bug["class"], "all")]
        if of:
            lines.append(_line(kind, of, report))
    lines += ["", *_lists(report)]
    return "\n".join(lines) + "\n"


def _line(kind: str, bugs: Sequence[dict[str, Any]], report: dict[str, Any]) -> str:
    caught = [bug for bug in bugs if bug["first"]]
    seconds = f"{statistics.median(bug['seconds'] for bug in caught):.1f}" if caught else "-"
    theirs = [_rate(bug["others"][name][1] for bug in bugs if name in bug["others"]) for name in PROJECTS]
    return f"| {kind} | {len(bugs)} | {len(caught)} | {seconds} | {' | '.join(theirs)} |"


def _lists(report: dict[str, Any]) -> list[str]:
    bugs = report["bugs"]
    lines = [f"- False alarms: {len(report['alarms'])}."]
    for title, names in (("Missed", report["missed"]), ("Out of sight here", report["unseen"])):
        lines += [f"- {title}: {', '.join(f'`{name}`' for name in names)}."] if names else []
    lines += [f"- Could not decide {told}." for told in report["undecided"]]
    if not report["matrix"]:
        return lines
    tried = _tried_on_all(bugs)
    lines.append(f"- Tried on all light cases: {len(tried)} bugs, of which")
    for title, what in (("check", "instruments"), ("family", "families")):
        alone = Counter(next(iter(bug[what])) for bug in tried if len(bug[what]) == 1)
        some = Counter(name for bug in tried for name in bug[what])
        told = [f"{name} {alone[name]} of {some[name]}" for name in sorted(some)]
        lines.append(f"  - one {title} alone catches, of all that it catches: {', '.join(told)};")
    lines.append(
        f"  - checks and families that could be switched off unnoticed: {', '.join(report['idle']) or 'none'};"
    )
    none = [case for case, kills in report["kills"].items() if not kills]
    lines.append(f"  - cases on which none of them was seen: {len(none)} of {len(report['kills'])}.")
    return lines


def summed_up(report: dict[str, Any]) -> str:
    """Return what it comes to in a line."""
    caught = sum(bug["first"] is not None for bug in report["bugs"].values())
    alarms = len({alarm["subject"] for alarm in report["alarms"]})
    can = len(report["bugs"]) - len(report["unseen"])
    return f"{caught} of {can} planted bugs caught, {alarms} of {len(report['right'])} right implementations accused"
