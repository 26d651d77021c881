"""One crash costs one test: what a worker was doing is on disk before it does it, and outlives it.

A segmentation fault ends a worker at once, a sticky GPU error makes everything after it worthless, and a hang never
ends by itself. All three end the worker process; pytest-xdist brings a new one, and `post_mortem` tells what the dead
one was doing.
"""

import ctypes
import faulthandler
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cases.case import Case
from tests.examine.finding import Finding
from tests.plugin.pace import Paces, weight_of
from tests.plugin.time_keeper import ALARM

DEVICE_LOST_STATUS = 70
"""Exit status of a worker that ended itself because its GPU context was gone."""

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have the kernel end this process when the one that started it ends, however that ends: Linux only.

    A worker that outlives its controller goes on with its test, or hangs, and keeps the GPU's memory.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent or parent == 1:  # it ended before the kernel knew
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Trace:
    """What a worker does at the moment, one file a worker: a line of JSON, replaced for each test and each finding, and
    below it a line for each step.

    Beside it lies a file for the stacks that `faulthandler` writes when the process is about to end.
    """

    path: Path
    pid: int = field(default_factory=os.getpid)
    nodeid: str = ""
    is_running: bool = False
    """Whether the test is under way, and not over."""
    began: float = 0.0
    """When the test began, in seconds of `time.monotonic`, which all processes share."""
    completed: int = 0
    """Tests that this worker has brought to an end."""
    case: str = ""
    rules: list[int] = field(default_factory=list)
    """Those that the case bears on."""
    weight: int = 0
    """About how long it takes, in tokens."""
    is_heavy: bool = False
    """Whether it takes long on this device, whoever gathers."""
    paces: Paces = field(default_factory=Paces)
    """Of this worker's cases."""
    function: str = ""
    step: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)
    """Of the case that is examined, as far as they are known."""
    refusal: str = ""
    """Why no test can be run at all, where that is so."""

    def __post_init__(self) -> None:
        self._file = self.path.open("wb", buffering=0)
        self._stacks = stacks_beside(self.path).open("w", encoding="utf-8")
        faulthandler.enable(self._stacks, all_threads=False)
        # Written by the thread that runs, of itself: another one's frames cannot be walked while it goes on. Then the
        # signal ends the process, as it would without a handler.
        faulthandler.register(ALARM, self._stacks, all_threads=False, chain=True)

    def begin(self, nodeid: str) -> None:
        """Note that a test begins."""
        self.nodeid, self.case, self.function, self.step, self.findings = nodeid, "", "", "", []
        self.is_running, self.began = True, time.monotonic()
        self._write()

    def end(self) -> None:
        """Note that the test is over."""
        self.is_running = False
        self.completed += 1
        self._write()

    def examine(self, case: Case, *, is_heavy: bool) -> None:
        """Note the case that is examined, and whether it takes long on this device."""
        self.case, self.rules, self.function, self.step = case.id, [int(rule) for rule in case.rules], "", ""
        self.weight, self.is_heavy, self.findings = weight_of(case), is_heavy, []
        self._write()

    def at(self, function: str, step: str) -> None:
        """Note what is called next."""
        self.function, self.step = function, step
        self._file.write(_line([function, step]))

    def found(self, earlier: Sequence[Finding], findings: Sequence[Finding]) -> None:
        """Note what is found on the case by now, so that it outlives the process.

        Args:
            earlier: what was found in other memory.
            findings: what is found in this one.
        """
        self.findings = [finding.as_json() for finding in (*earlier, *findings)]
        self._write()

    def more_time(self, seconds: float) -> None:
        """Have the test's time begin anew, after what takes up to some seconds."""
        self.began = time.monotonic() + seconds
        self._write()

    def die(self) -> None:
        """End the process, leaving behind what was found: its GPU context is lost."""
        os._exit(DEVICE_LOST_STATUS)

    def refuse(self, why: str) -> None:
        """End the process because there is nothing to examine; whoever started it tells the user why."""
        self.refusal = why
        self._write()
        os._exit(pytest.ExitCode.USAGE_ERROR)

    def _write(self) -> None:
        content = {key: value for key, value in asdict(self).items() if key != "path"}
        # Replaced as a whole, so that a process that ends in the middle leaves the step before.
        unfinished = self.path.with_suffix(".new")
        self._file.close()
        self._file = unfinished.open("wb", buffering=0)
        self._file.write(_line(content))
        unfinished.replace(self.path)


def _line(content: Any) -> bytes:
    return (json.dumps(content) + "\n").encode()


TRACE = pytest.StashKey[Trace]()


def trace_of(config: pytest.Config) -> Trace | None:
    """Return the trace of this worker, or None where tests run in the only process."""
    worker_input = getattr(config, "workerinput", None)
    if worker_input is None:
        return None
    if TRACE not in config.stash:
        config.stash[TRACE] = Trace(Path(worker_input["traces"]) / f"{worker_input['workerid']}.json")
    return config.stash[TRACE]


def stacks_beside(trace: Path) -> Path:
    """Return the file for a worker's last stacks, by its trace file."""
    return trace.with_suffix(".stacks")
