"""`ci/gate` once a Python with all dependencies runs it: look, examine, judge, tell."""

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.text import Text

from ci.examination import by_rule, known, markdown, summary
from ci.examination import run as examination_run
from ci.examination.collector import Collector
from ci.examination.display import Display
from ci.examination.everywhere import without_same_error
from ci.examination.nursery import Nursery
from ci.examination.probe import Answer
from ci.examination.reproduction import scripts
from ci.examination.verdict import CUT_SHORT, STOPPED_EARLY, RunVerdict, judge, undecided
from ci.reports.console import console_on
from ci.reports.decision import Decision
from ci.reports.reporter import Reporter
from ci.reports.stopping import why
from tests.calls import files
from tests.calls.errors import Foreseen
from tests.cases.case import Case
from tests.cases.catalogue import catalogue
from tests.examine import replay
from tests.examine.choice import chosen_cases
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.examine.selection import Selection


def show(options: Namespace) -> int:
    """List the implementations or the cases that the user asks for, and return the exit code.

    Raises:
        NoSuchCase: a pattern matches no case that could be listed.
    """
    if options.selection.implementation == "list":
        from kernels.peers import installed

        lines = ["own           this project's", "torch         PyTorch indexing, this project's", *installed.listing()]
    else:
        lines = listing(chosen_cases(options.selection))
    console_on(sys.stdout).print(Text("\n".join(lines)), soft_wrap=True)
    return 0


def listing(cases: Sequence[Case]) -> list[str]:
    """Return a line a case: its id, the rules it bears on, and where it runs."""

    def where(case: Case) -> str:
        if case.needs_gpu:
            return f"GPU only: {case.needs_gpu}"
        return "GPU and CPU, there not with --quick" if case.heavy else "GPU and CPU"

    rows = [(case.id, ", ".join(map(str, case.rules)), where(case)) for case in cases]
    ids, rules = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    return [f"{case:{ids}}  rules {cited:{rules}}  {place}" for case, cited, place in rows]


class Gate:
    """One run of the gate.

    Args:
        options: what the user asks for.
        start: the words that started the gate.
        nursery: of the selection.
    """

    def __init__(self, options: Namespace, start: Sequence[str], nursery: Nursery) -> None:
        self._options = options
        self._start = start
        self._nursery = nursery
        self._answer: Answer | None = None
        self._collector: Collector | None = None
        self._results: list[Examined] = []
        self._log: Path | None = None
        # The run sends descriptor 1 elsewhere for a while; what the user sees keeps one of its own.
        output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", errors="replace")
        self._reporter = Reporter("examination", options.report, console_on(output))
        self._display = Display(self._reporter, self._replay)

    @property
    def _selection(self) -> Selection:
        return self._options.selection

    def run(self) -> int:
        """Examine, tell, and return the exit code."""
        try:
            self._examine()
            verdict = self._verdict()
        except Foreseen as error:
            verdict = undecided(str(error))
        except KeyboardInterrupt as error:
            verdict = self._verdict(why(error))
        return self._tell(verdict)

    def _examine(self) -> None:
        self._answer = answer = self._nursery.ask()
        self._options.selection = replace(self._selection, device=answer.device)
        self._introduce(answer)
        self._log = examination_run.new_log()
        self._collector = Collector(answer.cases, answer.left_out, self._display, self._nursery.python)
        with self._display.steps:
            examination_run.run(self._options, answer.runnable, self._collector, self._log)

    def _verdict(self, cut_short: str | None = None) -> RunVerdict:
        """Return the verdict on what was collected, families in the catalogue's order."""
        collector, answer = self._collector, self._answer
        if collector is None or answer is None:
            return undecided(cut_short or "")
        cut_short = cut_short or collector.interrupted
        why_missing = STOPPED_EARLY if self._options.fail_fast and collector.any_unclean else None
        families = list(dict.fromkeys(case.split("/")[0] for case in answer.cases))

        def place(result: Examined) -> int:
            family = result.case.split("/")[0]
            return families.index(family) if family in families else len(families)

        results = sorted(collector.results(CUT_SHORT if cut_short else why_missing), key=place)
        self._results = without_same_error(results)
        return judge(results, rows_due=answer.rows_due, troubles=collector.troubles, cut_short=cut_short)

    def _replay(self, finding: Finding) -> str:
        return replay.of_finding(self._start, self._selection, finding)

    def _introduce(self, answer: Answer) -> None:
        machine, gpus = answer.machine, answer.machine["gpus"]
        number = f"{len(gpus)} x " if len(gpus) > 1 else ""
        place = number + " and ".join(dict.fromkeys(gpus)) if gpus else "the CPU, by Triton's interpreter"
        promised = f" ({', '.join(answer.functions)}; {self._selection.contract.label} contract) on {place}"
        self._reporter.say(Text.assemble("examining ", (self._selection.implementation, "bold"), promised))
        versions = f"Python {machine['python']}, torch {machine['torch']}, Triton {machine['triton']}"
        self._reporter.say(f"{versions}; {answer.runnable} of {len(answer.cases)} cases run here")

    def _tell(self, verdict: RunVerdict) -> int:
        self._display.show_rest(verdict.findings)
        rules, told = self._of_rules(), self._known(verdict)
        if verdict.families:
            of_rules = by_rule.lines(rules) if verdict.total.examined else []
            summary.show(self._reporter, verdict, of_rules, known.lines(told, verdict.findings))
        if verdict.decision is not Decision.CLEAN and self._log is not None:
            # As seen from where the user stands, if it lies below.
            here, log = Path.cwd(), self._log
            self._reporter.say(f"full output: {log.relative_to(here) if log.is_relative_to(here) else log}")
        machine = self._answer.machine if self._answer else {}
        content = summary.content(verdict, self._selection, machine)
        content["rules"] = [{"rule": int(of.rule), "state": of.state, "why": of.why} for of in rules]
        content["results"] = {of.case: of.not_run or of.undecided or of.state for of in self._results}
        last = summary.last_line(verdict, self._selection)
        if self._options.markdown is not None:
            self._write_markdown(f"{verdict.decision.word.upper()}: {last}", rules, told, machine)
        return self._reporter.told(content, verdict.decision, last)

    def _of_rules(self) -> list[by_rule.OfRule]:
        answer = self._answer
        if answer is None:
            return []
        of_cases = answer.bears_on, answer.tokens, answer.device, answer.functions
        return by_rule.by_rule(self._results, self._selection.contract, *of_cases)

    def _known(self, verdict: RunVerdict) -> known.Compared:
        name = self._selection.implementation
        version = self._answer.machine.get(name, "") if self._answer else ""
        clean = [result.case for result in self._results if result.is_clean]
        bears_on = {case.id: case.rules for case in catalogue()}
        return known.compared(name, version, verdict.findings, clean, bears_on)

    def _write_markdown(
        self, verdict: str, rules: Sequence[by_rule.OfRule], told: known.Compared, machine: dict[str, Any]
    ) -> None:
        broken = [of.smallest for of in rules if of.smallest is not None]
        made = scripts(self._selection, broken) if broken else []
        entries = [
            markdown.Broken(finding, told.word(finding), self._replay(finding), script)
            for finding, script in zip(broken, made, strict=True)
        ]
        name = self._selection.implementation
        text = markdown.report(name, verdict, machine, rules, entries, known.lines(told, []))
        files.write(self._options.markdown, text)
        self._reporter.say(f"to be pasted into an issue: {self._options.markdown}")
