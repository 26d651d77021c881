"""`ci/gate` once a Python with all dependencies runs it: look, examine, judge, tell."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from ci.cost import command as cost_command
from ci.examination import listing, report, summary
from ci.examination import run as examination_run
from ci.examination.choice import NoSuchCase, chosen_cases
from ci.examination.collector import Collector
from ci.examination.display import Display
from ci.examination.probe import Answer, CannotExamine, Probe, Question
from ci.examination.verdict import STOPPED_EARLY, Decision, Examined, Undecided, Verdict, judge
from ci.latency import certify
from ci.latency import command as latency_command
from ci.options import Options
from ci.reports.console import console_on
from ci.reports.ending import finish
from ci.speed import command as speed_command
from ci.stopping import why
from tests.calls import files


def main(options: Options, command: str) -> int:
    """Do what the user asks the gate to do, and return its exit code.

    Args:
        options: what the user asks for.
        command: the gate's name as it was typed.
    """
    # What stands where the user stands can be named with --impl; the project's own packages go first.
    sys.path.append(os.getcwd())
    if options.cost:
        return cost_command.main(options, command)
    if options.base is not None or options.history:
        return latency_command.main(options, console_on(sys.stdout))
    if options.certify:
        return certify.main(options, console_on(sys.stdout))
    if options.speed:
        return speed_command.main(options, console_on(sys.stdout))
    return _list(options) if options.listing else _Gate(options, command).run()


def _list(options: Options) -> int:
    try:
        lines = list(listing.lines(chosen_cases(options.patterns, options.seeds_from, options.seeds)))
    except NoSuchCase as error:
        print(f"gate: {error}", file=sys.stderr)
        return Decision.UNDECIDED.exit_code
    console_on(sys.stdout).print(Text("\n".join(lines)), soft_wrap=True)
    return 0


class _Gate:
    """One run of the gate."""

    def __init__(self, options: Options, command: str) -> None:
        self._options = options
        self._command = command
        self._began = time.monotonic()
        self._machine: dict[str, Any] = {}
        self._log: Path | None = None
        # The run sends descriptor 1 elsewhere for a while; what the user sees keeps one of its own.
        self._output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", errors="replace")
        self._console = console_on(self._output)

    def run(self) -> int:
        try:
            verdict = self._examine()
        except (CannotExamine, files.NotWritten) as error:
            verdict = Verdict(Decision.UNDECIDED, undecided=(Undecided(str(error)),))
        except KeyboardInterrupt as error:
            verdict = Verdict(Decision.UNDECIDED, undecided=(Undecided(why(error)),))
        return self._tell(verdict)

    def _examine(self) -> Verdict:
        options = self._options
        question = Question(
            options.implementation,
            options.contract,
            options.device,
            options.patterns,
            options.quick,
            options.seeds,
            options.seeds_from,
        )
        with Probe(question) as probe:
            answer = probe.answer()
        self._machine = answer.machine
        self._introduce(answer)
        self._log = examination_run.new_log()
        with Display(self._console, self._replay, self._began) as display:
            collector = Collector(answer.cases, display)
            examination_run.run(
                options, device=answer.device, runnable=answer.runnable, collector=collector, log=self._log
            )
        return _judge(collector, options, answer.cases)

    def _replay(self, case: str) -> str:
        return summary.replay(self._options, self._command, case)

    def _introduce(self, answer: Answer) -> None:
        machine, gpus = answer.machine, answer.machine["gpus"]
        number = f"{len(gpus)} x " if len(gpus) > 1 else ""
        place = number + " and ".join(dict.fromkeys(gpus)) if gpus else "the CPU, by Triton's interpreter"
        promised = f" ({', '.join(answer.functions)}; {self._options.contract} contract) on {place}"
        self._print(Text.assemble("examining ", (self._options.implementation, "bold"), promised))
        versions = f"Python {machine['python']}, torch {machine['torch']}, Triton {machine['triton']}"
        here = f"{answer.runnable} of {len(answer.cases)} cases run here"
        self._print(Text(f"{versions}; {here}", style="dim"))

    def _tell(self, verdict: Verdict) -> int:
        options, seconds = self._options, time.monotonic() - self._began
        if verdict.families:
            summary.show(self._console, verdict)
        if verdict.decision is not Decision.CLEAN and self._log is not None:
            self._print(Text(f"full output: {_short(self._log)}", style="dim"))
        content = report.content(
            verdict,
            implementation=options.implementation,
            contract=options.contract,
            machine=self._machine,
            seconds=seconds,
        )
        return finish(self._console, options.report, content, summary.last_line(verdict, options, seconds))

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def _judge(collector: Collector, options: Options, cases: Sequence[str]) -> Verdict:
    """Return the verdict on what was collected, families in the catalogue's order."""
    troubles = list(collector.troubles)
    why_missing = None
    if options.fail_fast and any(result.is_unclean for result in collector.reported):
        why_missing = STOPPED_EARLY
    if collector.interrupted:
        troubles.append(collector.interrupted)
        why_missing = "not reached: the run was interrupted"
    families = list(dict.fromkeys(case.split("/")[0] for case in cases))

    def place(result: Examined) -> int:
        family = result.case.split("/")[0]
        return families.index(family) if family in families else len(families)

    return judge(sorted(collector.results(why_missing), key=place), troubles)


def _short(path: Path) -> Path:
    """Return a path as seen from where the user stands, if it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
