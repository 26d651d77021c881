"""`./ci/gate --base REV` and `--history`: is a gather slower than it was?"""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ci.latency import html_report, stage, table
from ci.latency.base import NoBase, changed_files, extract, resolve, same_code, working_tree
from ci.latency.child import Order
from ci.latency.judged import Judged, has_flags, judge
from ci.measuring_process import CannotMeasure, MeasuringProcess
from ci.options import Options
from ci.reports.report import headed
from ci.stopping import why
from tests import ROOT
from tests.calls import files
from tests.latency.history import History, NoHistory
from tests.latency.history_decision import against_history
from tests.latency.machine import Machine
from tests.latency.records import Run, summarise
from tests.latency.samples import Cell
from tests.latency.verdict import Outcome, Verdict, overall

PAGE = ROOT / ".gate" / "latency.html"
WORDS = {0: "clean", 1: "findings", 2: "undecided"}
HISTORY_DRAWS = 8


def main(options: Options, console: Console) -> int:
    """Measure, decide and tell; return the exit code: 0 nothing slower, 1 something is, 2 could not decide."""
    began = time.monotonic()
    try:
        return _Latency(options, console, began).run()
    except (NoBase, NoHistory, CannotMeasure, files.NotWritten) as error:
        return undecided(options, console, str(error), began)
    except KeyboardInterrupt as error:
        return undecided(options, console, why(error), began)


def undecided(options: Options, console: Console, why: str, began: float) -> int:
    """Tell in one line, and in the report, why nothing could be decided; return exit code 2."""
    try:
        write_report(options.report, {"undecided": [{"case": None, "reason": why}]}, 2, began)
    except files.NotWritten as error:
        why += f"; {error}"
    console.print(Text.assemble(("UNDECIDED", "bold yellow"), f": {why}"), soft_wrap=True)
    return 2


def write_report(path: Path | None, content: dict[str, Any], exit_code: int, began: float) -> None:
    """Write the JSON report, if one is asked for."""
    if path is not None:
        files.write_json(path, report_of(content, exit_code, time.monotonic() - began))


def report_of(content: dict[str, Any], exit_code: int, seconds: float) -> dict[str, Any]:
    """Return the JSON report."""
    return headed("latency", WORDS[exit_code], exit_code, seconds, content)


class _Latency:
    def __init__(self, options: Options, console: Console, began: float) -> None:
        self._options = options
        self._console = console
        self._began = began
        self._seed = random.SystemRandom().getrandbits(31)
        self._seconds: dict[str, float] = {}
        """How long each phase took."""

    def run(self) -> int:
        return self._against_base() if self._options.base is not None else self._against_history()

    def _against_base(self) -> int:
        revision = resolve(self._options.base or "")
        folder = extract(revision)
        changed = changed_files(folder, ROOT)
        self._say(f"{self._options.implementation} against {revision}; seed {self._seed}")
        is_same = same_code(folder, ROOT)
        if changed:
            self._say(f"changed: {', '.join(changed)}{' (nothing that Python runs)' if is_same else ''}")
        with stage.Spare() as spare:

            def prepare(measured: stage.Measured) -> None:
                if has_flags(measured):  # what the second process imports takes as long as the rest of the first
                    spare.start()

            def again(cells: Sequence[Cell], draws: int) -> stage.Measured:
                self._say(f"confirming {len(cells)} flagged cells in a new process")
                return self._measure(self._order(str(folder), cells, draws), ready=spare.process)

            order = self._order(str(folder), check_identity=True, same_code=is_same)
            first = self._measure(order, prepare)
            judged = judge(first, again)
        return self._tell(first, judged, {"base": str(revision), "changed": changed})

    def _against_history(self) -> int:
        measured = self._measure(self._order(draws=HISTORY_DRAWS))
        history = History(Machine(**measured.machine))
        name = self._options.implementation
        device = {cell: samples for cell, samples in measured.samples.items() if cell.metric == "device"}
        summaries = {cell: summarise(samples) for cell, samples in device.items()}
        try:
            verdicts = [
                against_history(
                    cell,
                    summary.log_to_twin,
                    [earlier.log_to_twin for earlier in history.baseline(name, measured.twin, cell)],
                    len(device),
                )
                for cell, summary in summaries.items()
            ]
            code = self._tell(measured, Judged(verdicts, measured.samples), {"base": "stored runs of this machine"})
        except NoHistory as error:
            for sentence in history.left_out():
                self._say(f"left out of the history: {sentence}")
            code = undecided(self._options, self._console, f"{error}; this run is its first", self._began)
        if code != 1:
            tree = working_tree()
            run = Run(
                name,
                tree.commit,
                tree.is_dirty,
                time.time(),
                tuple(summaries.values()),
                measured.twin,
                {"key": measured.machine, "gpu": measured.gpu},
            )
            history.add(run)
        return code

    def _order(
        self,
        folder: str | None = None,
        cells: Sequence[Cell] | None = None,
        draws: int | None = None,
        *,
        check_identity: bool = False,
        same_code: bool = False,
    ) -> Order:
        self._seed += 1
        return Order(
            implementation=self._options.implementation,
            base=folder,
            cells=None if cells is None else [asdict(cell) for cell in cells],
            draws=draws,
            seed=self._seed,
            check_identity=check_identity,
            same_code=same_code,
            check_clock=cells is None,
        )

    def _measure(
        self,
        order: Order,
        on_measured: Callable[[stage.Measured], None] = lambda measured: None,
        ready: MeasuringProcess | None = None,
    ) -> stage.Measured:
        with measuring(self._console) as on_progress:
            measured = stage.run(order, on_progress, on_measured, ready)
        self._seconds |= measured.seconds if order.cells is None else {"confirming": sum(measured.seconds.values())}
        return measured

    def _tell(self, measured: stage.Measured, judged: Judged, facts: dict[str, Any]) -> int:
        outcome = overall(judged.verdicts)
        self._console.print(table.of_verdicts(judged.verdicts))
        for sentence in measured.unchecked:
            self._say(f"not checked: {sentence}")
        blind = _blind(measured)
        for sentence in blind:
            self._say(sentence)
        told = {
            **{key: value if isinstance(value, str) else ", ".join(value) for key, value in facts.items()},
            **measured.machine,
        }
        PAGE.parent.mkdir(exist_ok=True)
        files.write(PAGE, html_report.page(judged.verdicts, judged.samples, told, blind))
        self._say(f"page: {PAGE.relative_to(ROOT)}")
        content = {
            "implementation": self._options.implementation,
            **facts,
            "machine": measured.machine,
            "cells": [cell_report(verdict) for verdict in judged.verdicts],
            "samples": [samples.as_json() for samples in judged.samples.values()],
            "blind": blind,
            "phases": {phase: round(seconds, 1) for phase, seconds in self._seconds.items()},
        }
        write_report(self._options.report, content, outcome.exit_code, self._began)
        self._console.print(self._last_line(outcome), soft_wrap=True)
        return outcome.exit_code

    def _last_line(self, outcome: Outcome) -> Text:
        phases = ", ".join(f"{phase} {seconds:.0f}" for phase, seconds in self._seconds.items())
        return Text.assemble(table.last_line(outcome), f" ({time.monotonic() - self._began:.0f} s: {phases})")

    def _say(self, line: str) -> None:
        self._console.print(Text(line, style="dim"), soft_wrap=True)


def cell_report(verdict: Verdict) -> dict[str, Any]:
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


def measuring(console: Console) -> Any:
    """Return a context whose value takes words of progress: a live line on a terminal, nothing elsewhere."""
    if not console.is_terminal:
        return nullcontext(lambda words: None)
    return _LiveLine(console)


class _LiveLine:
    def __init__(self, console: Console) -> None:
        self._status = console.status("measuring")

    def __enter__(self) -> Any:
        self._status.start()
        return lambda words: self._status.update(f"measuring {words}")

    def __exit__(self, *error: object) -> None:
        self._status.stop()


def _blind(measured: stage.Measured) -> list[str]:
    """Return a sentence for each cell that cannot see a slowdown of 10 %, and one if nobody has looked."""
    history = History(Machine(**measured.machine))
    left_out = [f"left out of the history: {sentence}" for sentence in history.left_out()]
    certificate = history.certificate()
    if certificate is None:
        return [*left_out, "this gate is not certified on this machine: ./ci/gate --certify measures what it sees"]
    return left_out + [cell["told"] for cell in certificate.content["cells"] if cell["is_blind"]]
