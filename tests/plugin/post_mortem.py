"""Why a worker died, and on whom to blame it: pure decisions on what it left behind."""

import json
import re
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.examine.blame import Seen, rule_of
from tests.examine.finding import Finding
from tests.plugin.containment import HANG_STATUS, stacks_beside

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
    seconds: float
    """Since its last test began."""


@dataclass(frozen=True)
class Death:
    """What a worker's death amounts to."""

    blamed: str
    """The test that it is blamed on, or nothing where it had begun none."""
    findings: tuple[Finding, ...]
    """What it says about the implementation; nothing where that is not certain."""
    message: str
    """What happened, for the report of the blamed test."""
    is_idle: bool
    """Whether the worker died before it had finished any test or examined any case."""


def remains_of(trace: Path, status: int | None) -> Remains:
    """Read what a worker left behind."""
    try:
        content = json.loads(trace.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = {}
    try:
        stacks = stacks_beside(trace).read_text(encoding="utf-8", errors="replace")
    except OSError:
        stacks = ""
    return Remains(status, content, stacks, time.time() - content.get("began", time.time()))


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
        return Death("", (), f"the process {ending} before its first test", is_idle=True)
    if not trace["is_running"]:
        message = f"the process {ending} after this test and before the next; a test before this one may be the cause"
        return Death(test, (), message, is_idle=False)
    if trace["findings"]:
        findings = tuple(Finding.from_json(finding) for finding in trace["findings"])
        return Death(test, findings, "\n".join(map(str, findings)), is_idle=False)
    during = f"during the {trace['step']}" if trace["step"] else "during the set-up"
    frames = innermost_frames(remains.stacks)
    message = f"the process {ending} {during}" + (f", in {', called by '.join(frames)}" if frames else "")
    is_idle = not case and not trace["completed"]
    if not case or (remains.status is not None and -remains.status in _OUTSIDE):
        return Death(test, (), f"{case}: {message}" if case else message, is_idle)
    details = {"status": remains.status, "frames": frames}
    rule = rule_of(Seen.CRASHED, trace["rules"])
    finding = Finding(rule, case, trace["function"] or "set-up", message, details, f"the process {ending}")
    return Death(test, (finding,), str(finding), is_idle)


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
    status = remains.status
    if status is None:
        return "ended"
    if status < 0:
        known = -status in set(signal.Signals)
        return f"was ended by {signal.Signals(-status).name if known else f'signal {-status}'}"
    if status == HANG_STATUS and remains.seconds >= timeout:
        return f"hung, and was ended after {timeout:g} s"
    return f"exited with status {status}"
