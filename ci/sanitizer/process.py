"""Running the sanitizer: one child process for everything, and a new one for the rest after what ends it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.sanitizer.stream import other_lines
from ci.sanitizer.tools import TOOLS, SanitizerUnavailable, command, find_program
from ci.sanitizer.transcript import Examined, Transcript, findings_of, read
from tests import ROOT
from tests.cases.case import Case
from tests.contract import Contract
from tests.examine.finding import Finding

LEFT_OUT = ("TRITON_INTERPRET", "TRITON_DISABLE_LINE_INFO", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
"""Environment variables that would keep the sanitizer from seeing what it is there for."""

__all__ = ["ChildRun", "SanitizerReport", "SanitizerUnavailable", "run_sanitizer"]


@dataclass(frozen=True)
class ChildRun:
    """One process under the tool that is over."""

    output: str
    status: int
    timed_out: bool = False


@dataclass(frozen=True)
class SanitizerReport:
    """What one tool said about one or more implementations."""

    tool: str
    findings: tuple[Finding, ...]
    """Their details tell the implementation."""
    examined: tuple[Examined, ...]
    """What the tool watched."""
    undecided: tuple[str, ...]
    """Why the tool could not decide, if it could not: nobody may call that clean."""
    seconds: float
    processes: int = 1
    """That it took: each that lost its GPU is followed by another."""
    starting: float = 0.0
    """Seconds of all that went into starting processes."""

    def findings_on(self, implementation: str) -> list[Finding]:
        """Return what was found on one implementation."""
        return [finding for finding in self.findings if finding.details["implementation"] == implementation]

    @property
    def is_clean(self) -> bool:
        """Whether every case was watched, and nothing was found."""
        return not self.findings and not self.undecided


Launch = Callable[[str, str, float], ChildRun]
"""Runs the child under a tool, with an order as JSON, for some seconds at most."""


def run_sanitizer(
    tool: str,
    implementations: Sequence[str],
    contract: Contract,
    cases: Sequence[Case],
    timeout: float,
    *,
    log: Path | None = None,
    launch: Launch | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> SanitizerReport:
    """Examine implementations on cases under compute-sanitizer, one after the other in one process.

    Args:
        tool: one of `TOOLS`.
        implementations: as `load_implementation` takes them.
        contract: the level of promise.
        cases: of the catalogue; see `chosen_cases`.
        timeout: seconds for all of it.
        log: a file that gets whatever was printed.
        launch: runs one child process; for tests.
        clock: tells seconds; for tests.

    Raises:
        ValueError: the tool is none of `TOOLS`.
        SanitizerUnavailable: there is no compute-sanitizer here.
    """
    if tool not in TOOLS:
        raise ValueError(f"tool: expected one of {', '.join(TOOLS)}, got {tool!r}")
    launch = launch or _launcher(find_program())
    by_id = {case.id: case for case in cases}
    everything = [Examined(name, case) for name in dict.fromkeys(implementations) for case in by_id]
    remaining = everything
    findings: list[Finding] = []
    examined: list[Examined] = []
    undecided: list[str] = [] if everything else ["no case was chosen"]
    start, processes, starting = clock(), 0, 0.0
    while remaining:
        now = clock()
        left = start + timeout - now
        if left <= 0:
            undecided.append(f"its {timeout:g} s were over with {len(remaining)} of {len(everything)} cases to go")
            break
        order = {"tool": tool, "contract": contract.label, "examinations": remaining, "start": now}
        run = launch(tool, json.dumps(order), left)
        if log:
            with log.open("a", encoding="utf-8") as file:
                file.write(run.output)
        transcript = read(run.output)
        processes, starting = processes + 1, starting + transcript.starting
        found = findings_of(transcript, tool, by_id, contract)
        findings += [finding for finding in found if finding not in findings]
        examined += transcript.done
        current = transcript.current
        if current:
            examined.append(current)
            if not any(_is_on(finding, current) for finding in found):
                findings += transcript.lost
        trouble = _trouble(run, transcript, found, timeout)
        if trouble:
            undecided.append(trouble)
        if run.timed_out or current is None or current not in remaining:
            break
        remaining = remaining[remaining.index(current) + 1 :]
    seconds = clock() - start
    return SanitizerReport(tool, tuple(findings), tuple(examined), tuple(undecided), seconds, processes, starting)


def _is_on(finding: Finding, examined: Examined) -> bool:
    return (finding.details["implementation"], finding.case) == examined


def _trouble(run: ChildRun, transcript: Transcript, found: Sequence[Finding], timeout: float) -> str | None:
    """Return why a child process says less than it should, if it does."""
    at = f" in {transcript.current}" if transcript.current else ""
    if run.timed_out:
        return f"it was ended after {timeout:g} s{at}"
    if transcript.not_printed:
        return f"{transcript.not_printed} of its reports were not printed"
    if not transcript.has_summary:
        return f"it ended{at} without a summary: {_last_words(run, transcript)}"
    if transcript.has_ended:
        return None if transcript.is_trustworthy else "it did not report the fault that was planted for it"
    if transcript.current and (transcript.lost or any(_is_on(f, transcript.current) for f in found)):
        return None
    return f"the examination ended{at} with status {run.status}: {_last_words(run, transcript)}"


def _last_words(run: ChildRun, transcript: Transcript) -> str:
    said = [*transcript.remarks[-2:], *list(other_lines(run.output))[-1:]]
    return "; ".join(line.strip() for line in said) or "nothing was printed"


def _launcher(program: str) -> Launch:
    def launch(tool: str, order: str, seconds: float) -> ChildRun:
        return launch_child(command(program, tool), order, seconds)

    return launch


def launch_child(start: Sequence[str], order: str, timeout: float) -> ChildRun:
    """Run the child process under a tool, and end it with all it started when its time is up.

    Args:
        start: of the command line, before Python's.
        order: see `child.main`.
        timeout: seconds.
    """
    environment = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    path = os.pathsep.join([str(ROOT), *filter(None, [environment.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [*start, sys.executable, "-m", "ci.sanitizer.child", order],
        env={**environment, "PYTHONPATH": path, "PYTORCH_NO_CUDA_MEMORY_CACHING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return ChildRun(output, process.returncode, timed_out=True)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return ChildRun(output, process.returncode)
