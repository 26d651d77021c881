"""`ci/gate` once a Python with all dependencies runs it: look, examine, judge, tell."""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.text import Text

from ci.examination import listing, probe, report, summary
from ci.examination import run as examination_run
from ci.examination.collector import Collector
from ci.examination.display import Display
from ci.examination.options import Options
from ci.examination.probe import Answer, CannotExamine
from ci.examination.verdict import CUT_SHORT, STOPPED_EARLY, Decision, RunVerdict, Undecided, judge
from ci.reports.console import console_on
from ci.reports.ending import finish
from ci.reports.stopping import why
from tests.calls import files
from tests.examine import replay
from tests.examine.choice import chosen_cases
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.examine.selection import Selection


def main(options: Options, start: Sequence[str]) -> int:
    """Examine, or list, what the user asks for, and return the exit code.

    Args:
        options: what the user asks for.
        start: the words that started the gate.

    Raises:
        NoSuchCase: a pattern matches no case that could be listed.
    """
    return _list(options.selection) if options.listing else _Gate(options, start).run()


def _list(selection: Selection) -> int:
    console_on(sys.stdout).print(Text("\n".join(listing.lines(chosen_cases(selection)))), soft_wrap=True)
    return 0


class _Gate:
    """One run of the gate."""

    def __init__(self, options: Options, start: Sequence[str]) -> None:
        self._options = options
        self._selection = options.selection
        self._start = start
        self._began = time.monotonic()
        self._answer: Answer | None = None
        self._collector: Collector | None = None
        self._log: Path | None = None
        # The run sends descriptor 1 elsewhere for a while; what the user sees keeps one of its own.
        self._output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", errors="replace")
        self._console = console_on(self._output)
        self._display = Display(self._console, self._replay, self._began)

    def run(self) -> int:
        try:
            self._examine()
            verdict = self._verdict()
        except (CannotExamine, files.NotWritten) as error:
            verdict = RunVerdict(Decision.UNDECIDED, undecided=(Undecided(str(error)),))
        except KeyboardInterrupt as error:
            verdict = self._verdict(why(error))
        return self._tell(verdict)

    def _examine(self) -> None:
        options = self._options
        answer = probe.ask(self._selection)
        self._selection = replace(self._selection, device=answer.device)
        self._answer = answer
        self._introduce(answer)
        self._log = examination_run.new_log()
        with self._display as display:
            self._collector = Collector(answer.cases, answer.left_out, display)
            examination_run.run(
                options, device=answer.device, runnable=answer.runnable, collector=self._collector, log=self._log
            )

    def _verdict(self, cut_short: str | None = None) -> RunVerdict:
        """Return the verdict on what was collected."""
        if self._collector is None or self._answer is None:
            assert cut_short is not None
            return RunVerdict(Decision.UNDECIDED, undecided=(Undecided(cut_short),))
        return _judge(self._collector, self._options, self._answer, cut_short)

    def _replay(self, finding: Finding) -> str:
        return replay.of_finding(self._start, self._selection, finding)

    def _introduce(self, answer: Answer) -> None:
        machine, gpus = answer.machine, answer.machine["gpus"]
        number = f"{len(gpus)} x " if len(gpus) > 1 else ""
        place = number + " and ".join(dict.fromkeys(gpus)) if gpus else "the CPU, by Triton's interpreter"
        promised = f" ({', '.join(answer.functions)}; {self._selection.contract.label} contract) on {place}"
        self._print(Text.assemble("examining ", (self._selection.implementation, "bold"), promised))
        versions = f"Python {machine['python']}, torch {machine['torch']}, Triton {machine['triton']}"
        here = f"{answer.runnable} of {len(answer.cases)} cases run here"
        self._print(Text(f"{versions}; {here}", style="dim"))

    def _tell(self, verdict: RunVerdict) -> int:
        options, seconds = self._options, time.monotonic() - self._began
        self._display.show_rest(verdict.findings)
        if verdict.families:
            summary.show(self._console, verdict)
        if verdict.decision is not Decision.CLEAN and self._log is not None:
            self._print(Text(f"full output: {_short(self._log)}", style="dim"))
        content = report.content(
            verdict,
            implementation=self._selection.implementation,
            contract=self._selection.contract,
            machine=self._answer.machine if self._answer else {},
            seconds=seconds,
        )
        return finish(self._console, options.report, content, summary.last_line(verdict, self._selection, seconds))

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def _judge(collector: Collector, options: Options, answer: Answer, cut_short: str | None) -> RunVerdict:
    """Return the verdict on what was collected, families in the catalogue's order."""
    cut_short = cut_short or collector.interrupted
    why_missing = STOPPED_EARLY if options.fail_fast and collector.any_unclean else None
    if cut_short:
        why_missing = CUT_SHORT
    families = list(dict.fromkeys(case.split("/")[0] for case in answer.cases))

    def place(result: Examined) -> int:
        family = result.case.split("/")[0]
        return families.index(family) if family in families else len(families)

    results = sorted(collector.results(why_missing), key=place)
    return judge(results, rows_due=answer.rows_due, troubles=collector.troubles, cut_short=cut_short)


def _short(path: Path) -> Path:
    """Return a path as seen from where the user stands, if it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
