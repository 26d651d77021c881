"""One crash costs one test: what a worker was doing is on disk before it does it, and is told after its death.

A segmentation fault ends a worker at once, a sticky GPU error makes everything after it worthless, and a hang never
ends by itself. All three end the worker process; pytest-xdist brings a new one and asks what the dead one was doing.
"""

import faulthandler
import json
import os
import signal
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.examine.finding import Finding

DEVICE_LOST_STATUS = 70
"""Exit status of a worker that ended itself because its GPU context was gone."""
HANG_STATUS = 1
"""Exit status of a worker that `faulthandler` ended because its time was up."""


@dataclass
class Trace:
    """What a worker does at the moment, one file a worker, rewritten at every step."""

    path: Path
    nodeid: str = ""
    case: str = ""
    rule: int = 1
    function: str = ""
    step: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, nodeid: str) -> None:
        """Note that a test begins."""
        self.nodeid, self.case, self.function, self.step, self.findings = nodeid, "", "", "", []
        self._write()

    def examine(self, case: str, rule: int) -> None:
        """Note the case that is examined, and the rule that a crash on it would break."""
        self.case, self.rule = case, rule
        self._write()

    def at(self, function: str, step: str) -> None:
        """Note what is called next."""
        self.function, self.step = function, step
        self._write()

    def die(self, findings: Sequence[Finding]) -> None:
        """End the process, leaving findings behind: its GPU context is lost."""
        self.findings = [finding.as_json() for finding in findings]
        self._write()
        os._exit(DEVICE_LOST_STATUS)

    def _write(self) -> None:
        content = {key: value for key, value in asdict(self).items() if key != "path"}
        self.path.write_text(json.dumps(content), encoding="utf-8")


def end_after(seconds: float) -> None:
    """End this process with the stacks of its threads on stderr, unless `cancel_end` comes first."""
    faulthandler.dump_traceback_later(seconds, exit=True)


def cancel_end() -> None:
    """Take back `end_after`."""
    faulthandler.cancel_dump_traceback_later()


def post_mortem(path: Path, nodeid: str, status: int | None, timeout: float) -> list[Finding]:
    """Return the findings that a worker's death amounts to.

    Args:
        path: the worker's trace file.
        nodeid: the test that it died in, as pytest-xdist sees it.
        status: how the process ended, as `subprocess` tells it, or None where that is unknown.
        timeout: seconds that a test may take.
    """
    try:
        trace = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        trace = {}
    if trace.get("nodeid") != nodeid or not trace.get("case"):
        return []
    if trace["findings"]:
        return [Finding.from_json(finding) for finding in trace["findings"]]
    message = f"the process {_ending(status, timeout)} during the {trace['step'] or 'set-up'}"
    return [Finding(trace["rule"], trace["case"], trace["function"] or "set-up", message, {"status": status})]


def _ending(status: int | None, timeout: float) -> str:
    if status is None:
        return "ended"
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        return f"was ended by {name}"
    if status == HANG_STATUS:
        return f"hung, and was ended after {timeout:g} s"
    return f"exited with status {status}"
