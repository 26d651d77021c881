"""Running the sanitizer: one child process for everything, and a new one for the rest after what ends it."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.processes import CannotRun, Message, Process, TookTooLong
from ci.sanitizer.hazards import other_lines
from ci.sanitizer.tools import TOOLS, command, find_program
from ci.sanitizer.transcript import Subject, Transcript, findings_of, read
from tests.calls import files
from tests.cases.case import Case
from tests.contract import Contract
from tests.examine.finding import Finding

LEFT_OUT = ("TRITON_INTERPRET", "TRITON_DISABLE_LINE_INFO", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
"""Environment variables that would keep the sanitizer from seeing what it is there for."""


Heard = list[Message | str]
"""The messages of a process under the tool, and what else was printed."""


@dataclass(frozen=True)
class SanitizerReport:
    """What one tool said about one or more implementations."""

    tool: str
    findings: tuple[Finding, ...]
    """Their details tell the implementation."""
    examined: tuple[Subject, ...]
    """What the tool watched."""
    undecided: tuple[str, ...]
    """Why the tool could not decide, if it could not: nobody may call that clean."""
    seconds: float

    def findings_on(self, implementation: str) -> list[Finding]:
        """Return what was found on one implementation."""
        return [finding for finding in self.findings if finding.details["implementation"] == implementation]

    @property
    def is_clean(self) -> bool:
        """Whether every case was watched, and nothing was found."""
        return not self.findings and not self.undecided


def run_sanitizer(
    tool: str,
    implementations: Sequence[str],
    contract: Contract,
    cases: Sequence[Case],
    timeout: float,
    *,
    log: Path | None = None,
) -> SanitizerReport:
    """Examine implementations on cases under compute-sanitizer, one after the other in one process.

    Args:
        tool: one of `TOOLS`.
        implementations: as `load_implementation` takes them.
        contract: the level of promise.
        cases: of the catalogue; see `chosen_cases`.
        timeout: seconds for all of it.
        log: a file that gets whatever was printed.

    Raises:
        ValueError: the tool is none of `TOOLS`.
        Foreseen: there is no compute-sanitizer here.
        NotWritten: the log cannot be written.
    """
    if tool not in TOOLS:
        raise ValueError(f"tool: expected one of {', '.join(TOOLS)}, got {tool!r}")
    under_tool = command(find_program(), tool)
    by_id = {case.id: case for case in cases}
    everything = [Subject(name, case) for name in dict.fromkeys(implementations) for case in by_id]
    remaining = everything
    findings: list[Finding] = []
    examined: list[Subject] = []
    undecided: list[str] = [] if everything else ["no case was chosen"]
    start = time.monotonic()
    while remaining:
        left = start + timeout - time.monotonic()
        if left <= 0:
            undecided.append(f"its {timeout:g} s were over with {len(remaining)} of {len(everything)} cases to go")
            break
        order = {"tool": tool, "contract": contract.label, "examinations": remaining}
        heard, trouble = launch_child("ci.sanitizer.child", under_tool, order, left)
        if log:
            told = (item if isinstance(item, str) else json.dumps(item) for item in heard)
            files.append(log, "".join(f"{line}\n" for line in told))
        transcript = read(heard)
        found = findings_of(transcript, tool, by_id, contract)
        findings += [finding for finding in found if finding not in findings]
        examined += transcript.done
        current = transcript.current
        if current:
            examined.append(current)
            if not any(_is_on(finding, current) for finding in found):
                findings += transcript.lost
        why = _why_undecided(heard, trouble, transcript, found, timeout)
        undecided += [why] if why else []
        if isinstance(trouble, TookTooLong) or current is None or current not in remaining:
            break
        remaining = remaining[remaining.index(current) + 1 :]
    return SanitizerReport(tool, tuple(findings), tuple(examined), tuple(undecided), time.monotonic() - start)


def _is_on(finding: Finding, examined: Subject) -> bool:
    return (finding.details["implementation"], finding.case) == examined


def _why_undecided(
    heard: Heard, trouble: CannotRun | None, transcript: Transcript, found: Sequence[Finding], timeout: float
) -> str | None:
    """Return why a child process says less than it should, if it does."""
    at = f" in {transcript.current}" if transcript.current else ""
    if isinstance(trouble, TookTooLong):
        return f"it was ended after {timeout:g} s{at}"
    said = [str(trouble or ""), *transcript.remarks[-2:], *other_lines(heard)[-1:]]
    last_words = "; ".join(line.strip() for line in said if line) or "nothing was printed"
    if transcript.not_printed:
        return f"{transcript.not_printed} of its reports were not printed"
    if not transcript.has_summary:
        return f"it ended{at} without a summary: {last_words}"
    if transcript.has_ended:
        return None if transcript.is_trustworthy else "it did not report the fault that was planted for it"
    if transcript.current and (transcript.lost or any(_is_on(f, transcript.current) for f in found)):
        return None
    return f"the examination ended{at}: {last_words}"


def launch_child(module: str, before: Sequence[str], order: Any, seconds: float) -> tuple[Heard, CannotRun | None]:
    """Run a process under a tool, and end it with all it started when its time is up.

    Returns what was heard of it, and how it ended, if not as it should.

    Args:
        module: what is run.
        before: words of the command line that run it under the tool.
        order: see `ci.sanitizer.child`.
        seconds: that it may take.
    """
    environment: dict[str, str | None] = {**dict.fromkeys(LEFT_OUT), "PYTORCH_NO_CUDA_MEMORY_CACHING": "1"}
    heard: Heard = []
    with Process(module, "sanitizer.log", environment=environment, before=before, limit=seconds) as process:
        try:
            heard += process.lines(order)
        except CannotRun as error:
            return heard, error
    return heard, None
