"""Why a worker died, and on whom to blame it: pure decisions on what it left behind."""

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.examine.blame import Seen, rule_of
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.plugin.containment import stacks_beside
from tests.plugin.pace import expected_seconds, may_be_slow, together
from tests.plugin.time_keeper import trace_in

IDLE_DEATHS_IN_A_ROW = 3
"""Workers that may die one after the other before they have finished a test; then the run cannot go on."""
FRAMES_TOLD = 3
_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
"""Signals that somebody else sends, such as a kernel that is out of memory: no finding."""
_CALLERS = ("tests/examine/call.py", "tests/examine/examination.py")
"""Files whose frames are the harness's own: what is inside them is the examined call."""
_FRAME = re.compile(r'^\s+File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>\S+)')


@dataclass(frozen=True)
class Remains:
    """What a dead worker left behind."""

    status: int | None
    """How the process ended, as `subprocess` tells it, or None where that is unknown."""
    trace: Mapping[str, Any]
    """The last content of its trace file, empty if there is none."""
    stacks: str
    """What `faulthandler` wrote."""
    is_late: bool = False
    """Whether it was ended because its time was up."""
    paces: Mapping[str, float] = field(default_factory=dict)
    """Of all workers' cases whose rows were right; see `pace`."""


@dataclass(frozen=True)
class Death:
    """What a worker's death amounts to."""

    blamed: str
    """The test that it is blamed on, or nothing where it had begun none."""
    examined: Examined | None
    """What the examination of a case came to, if the worker died in one."""
    message: str
    """What happened, for the report of the blamed test."""
    is_idle: bool = False
    """Whether the worker died before it had finished any test or examined any case."""


def remains_of(trace: Path, status: int | None, *, is_late: bool) -> Remains:
    """Read what a worker left behind, and the paces of all workers beside it."""
    try:
        stacks = stacks_beside(trace).read_text(encoding="utf-8", errors="replace")
    except OSError:
        stacks = ""
    traces = [trace_in(path) for path in trace.parent.glob(f"*{trace.suffix}")]
    paces = together(of["paces"]["fastest"] for of in traces if of)
    return Remains(status, trace_in(trace), stacks, is_late, paces)


def judge(remains: Remains, timeout: float) -> Death:
    """Return what a worker's death amounts to.

    Args:
        remains: what it left behind.
        timeout: seconds that a test may take.
    """
    trace = remains.trace
    test, case = trace.get("nodeid", ""), trace.get("case", "")
    ending = _ending(remains, timeout)
    if not test:
        return Death("", None, f"the process {ending} before its first test", is_idle=True)
    if not trace["is_running"]:
        message = f"the process {ending} after this test and before the next; a test before this one may be the cause"
        return Death(test, None, message)
    during = f"during the {trace['step']}" if trace["step"] else "during the set-up"
    frames = innermost_frames(remains.stacks)
    message = f"the process {ending} {during}" + (f", in {', called by '.join(frames)}" if frames else "")
    if not case:
        return Death(test, None, message, is_idle=not trace["completed"])
    known = tuple(Finding.from_json(finding) for finding in trace["findings"])
    if any(finding.details.get("device_lost") for finding in known):
        return _told(test, Examined(case, known))
    undecided = _why_undecided(remains, timeout)
    if undecided is not None:
        return _told(test, Examined(case, known, undecided=undecided))
    details = {"status": remains.status, "frames": frames}
    rule = rule_of(Seen.CRASHED, trace["rules"])
    crash = Finding(rule, case, trace["function"] or "set-up", message, details, f"the process {ending}")
    return _told(test, Examined(case, (*known, crash)))


def _told(test: str, examined: Examined) -> Death:
    examined = examined.excused()
    undecided = [f"{examined.case}: could not decide: {examined.undecided}"] if examined.undecided else []
    return Death(test, examined, "\n".join([*map(str, examined.findings), *undecided]))


def _why_undecided(remains: Remains, timeout: float) -> str | None:
    """Return why a death during an examination may not be the implementation's doing; None where it is."""
    trace = remains.trace
    if remains.is_late:
        expected = expected_seconds(trace["case"].split("/")[0], trace["weight"], remains.paces)
        if not may_be_slow(expected, timeout, is_heavy=trace["is_heavy"]):
            return None
        return (
            f"slow or hung: it was not done after {timeout:g} s, and as fast as others whose rows were right it would "
            f"take about {expected:,.0f} s; --case-timeout gives it more"
        )
    if remains.status is not None and -remains.status in _OUTSIDE:
        return f"the process {_ending(remains, timeout)}"
    return None


def innermost_frames(stacks: str) -> list[str]:
    """Return the innermost frames of the thread that ran the test, `function (file:line)` each.

    Args:
        stacks: of one or several threads, as `faulthandler` writes them, the most recent call first.
    """
    threads = [
        [match for line in thread.splitlines() if (match := _FRAME.match(line))]
        for thread in re.split(r"^(?:Current thread|Thread) ", stacks, flags=re.MULTILINE)
    ]
    for frames in threads:
        for depth, frame in enumerate(frames):
            if frame["file"].endswith(_CALLERS):
                inner = frames[: max(depth, 1)][:FRAMES_TOLD]
                return [f"{f['function']} ({Path(f['file']).name}:{f['line']})" for f in inner]
    return []


def _ending(remains: Remains, timeout: float) -> str:
    if remains.is_late:
        return f"hung, and was ended after {timeout:g} s"
    status = remains.status
    if status is None:
        return "ended"
    if status < 0:
        known = -status in set(signal.Signals)
        return f"was ended by {signal.Signals(-status).name if known else f'signal {-status}'}"
    return f"exited with status {status}"
