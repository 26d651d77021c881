"""`./ci/gate latency`: is a gather slower than it was?"""

import random
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from rich.console import Console

from ci.latency import stage, table
from ci.latency.base import changed_files, extract, resolve
from ci.latency.child import Order
from ci.latency.keeping import run_of
from ci.latency.stage import has_flags, judge
from ci.processes import Process
from ci.report.page import page
from ci.reports.decision import Decision
from ci.reports.reporter import Reporter
from tests import ROOT
from tests.calls import files
from tests.latency.cell_verdict import CellVerdict, overall
from tests.latency.decision import unmeasured
from tests.latency.history import History, NoHistory
from tests.latency.history_decision import against_history
from tests.latency.machine import Machine
from tests.latency.samples import Cell, CellSamples
from tests.latency.stored_run import is_sound
from tests.latency.thresholds import DRAWS

PAGE = ROOT / ".gate" / "latency.html"


def main(options: Namespace, start: Sequence[str], console: Console | None = None) -> int:
    """Measure, decide and tell; return the exit code: 0 nothing slower, 1 something is, 2 could not decide."""
    reporter = Reporter("latency", options.report, console)
    return reporter.of(_Latency(options, reporter).run)


class _Latency:
    def __init__(self, options: Namespace, reporter: Reporter) -> None:
        self._options = options
        self._reporter = reporter
        self._say = reporter.say
        self._seed = random.SystemRandom().getrandbits(31)
        self._gpu: str | None = None
        """UUID of the GPU that the first process took; a second one takes the same."""
        self._seconds: dict[str, float] = {}
        """How long each phase took."""

    def run(self) -> int:
        return self._against_base() if self._options.base is not None else self._against_history()

    def _against_base(self) -> int:
        revision = resolve(self._options.base or "")
        folder = extract(revision)
        changed, is_same = changed_files(folder, ROOT)
        self._say(f"{self._options.implementation} against {revision}; seed {self._seed}")
        if changed:
            self._say(f"changed: {', '.join(changed)}{' (nothing that Python runs)' if is_same else ''}")
        spares: list[Process] = []
        with ExitStack() as not_needed:

            def prepare(measured: stage.Measured) -> None:
                if has_flags(measured):  # what the second process imports takes as long as the rest of the first
                    spares.append(not_needed.enter_context(stage.Process(stage.MODULE, "spare.log")))

            def again(cells: Sequence[Cell], draws: int) -> stage.Measured:
                self._say(f"confirming {len(cells)} flagged cells in a new process")
                return self._measure(
                    self._order(base=str(folder), cells=cells, draws=draws, gpu=self._gpu),
                    ready=spares[0] if spares else None,
                )

            order = self._order(base=str(folder), check_identity=True, same_code=is_same, check_clock=True)
            first = self._measure(order, prepare)
            verdicts, samples = judge(first, again)
        self._keep(first, samples, verdicts, str(revision))
        return self._tell(first, verdicts, samples, {"base": str(revision), "changed": changed})

    def _against_history(self) -> int:
        measured = self._measure(self._order(draws=DRAWS, check_clock=True))
        history = History(Machine(**measured.machine))
        name = self._options.implementation
        sound = {cell: each for cell, each in measured.samples.items() if is_sound(each)}
        cells = run_of(measured, sound, (), name).cells
        ratios = {cell: kept.log_to_twin for cell, kept in cells.items() if cell.metric == "device"}
        try:
            baseline = history.baselines(name, measured.twin, ratios)
        except NoHistory as error:
            for sentence in history.left_out():
                self._say(f"left out of the history: {sentence}")
            self._keep(measured, measured.samples, ())
            return self._reporter.undecided(f"{error}; this run is its first")
        verdicts = [against_history(cell, own, baseline[cell], len(ratios)) for cell, own in ratios.items()]
        broken = [cell for cell in measured.samples if cell not in sound]
        verdicts += [unmeasured(cell, "the measurement is invalid: what the clock told is no time") for cell in broken]
        self._keep(measured, measured.samples, verdicts)
        return self._tell(measured, verdicts, measured.samples, {"base": "stored runs of this machine"})

    def _keep(
        self,
        measured: stage.Measured,
        samples: Mapping[Cell, CellSamples],
        verdicts: Sequence[CellVerdict],
        base: str | None = None,
    ) -> None:
        """Store the run, if anything was measured that can be kept."""
        sound = {cell: each for cell, each in samples.items() if is_sound(each)}
        if sound:
            run = run_of(measured, sound, verdicts, self._options.implementation, base, self._reporter.seconds)
            name = History(Machine(**measured.machine)).add(run)
            self._say(f"stored as run {name}: ./ci/gate history")

    def _order(self, **asked: Any) -> Order:
        self._seed += 1
        return Order(self._options.implementation, self._seed, **asked)

    def _measure(
        self,
        order: Order,
        on_measured: Callable[[stage.Measured], None] = lambda measured: None,
        ready: Process | None = None,
    ) -> stage.Measured:
        with self._reporter.steps() as steps:
            measured = stage.run(order, steps.at, on_measured, ready)
        if order.gpu is None and measured.gpu_name:
            self._gpu = measured.gpu
            self._say(f"measured on {measured.gpu_name}, {measured.gpu}")
            for sentence in measured.left_out:
                self._say(f"left out: {sentence}")
        self._seconds |= measured.seconds if order.cells is None else {"confirming": sum(measured.seconds.values())}
        return measured

    def _tell(
        self,
        measured: stage.Measured,
        verdicts: Sequence[CellVerdict],
        samples: Mapping[Cell, CellSamples],
        facts: dict[str, Any],
    ) -> int:
        outcome = overall(verdicts)
        self._reporter.console.print(table.of_verdicts(verdicts))
        for sentence in measured.unchecked:
            self._say(f"not checked: {sentence}")
        blind = _blind(measured)
        for sentence in blind:
            self._say(sentence)
        content = {
            "implementation": self._options.implementation,
            **facts,
            "machine": measured.machine,
            "cells": [cell_report(verdict) for verdict in verdicts],
            "samples": [asdict(each) for each in samples.values()],
            "blind": blind,
            "phases": {phase: round(seconds, 1) for phase, seconds in self._seconds.items()},
        }
        PAGE.parent.mkdir(exist_ok=True)
        head = {"report": "latency", "exit_code": outcome.exit_code, "verdict": Decision(outcome.exit_code).word}
        files.write(PAGE, page([{**head, **content}]))
        self._say(f"page: {PAGE.relative_to(ROOT)}")
        phases = ", ".join(f"{phase} {seconds:.0f}" for phase, seconds in self._seconds.items())
        return self._reporter.told(content, outcome.exit_code, table.last_line(outcome), took=f": {phases}")


def cell_report(verdict: CellVerdict) -> dict[str, Any]:
    """Return what the JSON report says of a cell."""
    return {
        "cell": verdict.cell.id,
        "verdict": verdict.kind.value,
        "ratio": verdict.ratio,
        "interval": list(verdict.interval) if verdict.interval else None,
        "stage": verdict.stage.value,
        "draws": verdict.draws,
        "reason": verdict.reason,
    }


def _blind(measured: stage.Measured) -> list[str]:
    """Return a sentence for each cell that cannot see a slowdown of 10 %, and one if nobody has looked."""
    history = History(Machine(**measured.machine))
    left_out = [f"left out of the history: {sentence}" for sentence in history.left_out()]
    certificate = history.certificate()
    if certificate is None:
        return [*left_out, "this gate is not certified on this machine: ./ci/gate certify measures what it sees"]
    return left_out + [cell["told"] for cell in certificate["cells"] if cell["is_blind"]]
