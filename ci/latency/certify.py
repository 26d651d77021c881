"""`./ci/gate certify`: what does the gate see on this machine, and how often is it wrong?

First the head is measured against itself, often enough for many decisions: none may be SLOWER. Then against copies of
the kernels that are slower on purpose. The power at round slowdowns is computed from the scatter of these very draws,
of either kind; the lower counts.
"""

import shutil
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ci.latency import stage
from ci.latency.base import ROOT, checked_out
from ci.latency.child import Order
from ci.latency.options import OWN
from ci.processes import CannotRun
from ci.reports.console import table_of
from ci.reports.reporter import Reporter
from tests.latency.cell_verdict import CellVerdict, NeedsConfirmation, Step
from tests.latency.decision import confirm, next_step
from tests.latency.history import History
from tests.latency.machine import Machine
from tests.latency.power import EFFECTS, CellPower, lower, measured_power, promised
from tests.latency.samples import Cell, CellSamples
from tests.latency.thresholds import LOOKS, PROMISES, Promise
from tests.planted.edits import Change
from tests.planted.slowdowns import SLOWDOWNS

SAME_CODE_DRAWS = 24
"""Of each cell and process: as many as a decision can take."""
PROCESSES = 4
"""That measure the head against itself. Each has its memory, modules and clocks anew."""


def main(options: Namespace, start: Sequence[str], console: Console | None = None) -> int:
    """Certify the gate on this machine; return 0, 1 if the same code was called slower, 2 if it could not be done."""
    reporter = Reporter("certificate", options.report, console)
    return reporter.of(lambda: _certify(reporter))


def _certify(reporter: Reporter) -> int:
    def measure(base: str | None, draws: int | None, seed: int, cells: list[Cell] | None = None) -> stage.Measured:
        with reporter.steps() as steps:
            return stage.run(Order(OWN, seed, base, cells, draws), steps.at)

    runs = [measure(None, SAME_CODE_DRAWS, seed) for seed in range(PROCESSES)]
    decisions = decisions_of(runs)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(decisions.items()))
    sentence = f"the same code: {sum(decisions.values())} decisions, {told}"
    reporter.say(sentence, style="")
    planted: dict[str, stage.Measured] = {}
    for number, slowdown in enumerate(SLOWDOWNS):
        with tempfile.TemporaryDirectory(prefix="slowdown-") as folder:
            write_slower(slowdown, Path(folder))
            run = measure(folder, None, PROCESSES + number, planted_cells(runs[0]))
        planted[slowdown.name] = run
        reporter.say(f"planted {slowdown.name}: {range_told(findings_of(run))}", style="")
    powers = [power_of(cell, runs, list(planted.values())) for cell in runs[0].samples]
    reporter.console.print(power_table(powers))
    findings = {name: findings_of(run) for name, run in planted.items()}
    of_device = [power for cell, power in zip(runs[0].samples, powers, strict=True) if cell.metric == "device"]
    summary = [*map(promise_told, promised(of_device)), tally(each for of in findings.values() for each in of)]
    for line in summary:
        reporter.say(line, style="")
    content = {
        "decisions": dict(decisions),
        "cells": [power.as_json() for power in powers],
        "planted": {name: {each.cell_id: each.as_json() for each in of} for name, of in findings.items()},
        "summary": summary,
    }
    machine = Machine(**runs[0].machine)
    History(machine).certify(content, checked_out())
    exit_code = 1 if any(said.startswith(("SLOWER", "FASTER")) for said in decisions) else 0
    samples = [asdict(s) for run in runs for s in run.samples.values()]
    report = {**content, "machine": asdict(machine), "samples": samples}
    return reporter.told(report, exit_code, Text(f"certified on {sentence}"))


@dataclass(frozen=True)
class Found:
    """What the first process of a gate says of a cell into which a slowdown was planted."""

    cell_id: str
    microseconds: float
    """Of a call without the slowdown."""
    ratio: float | None
    """Measured; None if the figures allowed no estimate."""
    said: str

    @property
    def is_promised(self) -> bool:
        """Whether the cell is slower by as much as the gate promises to find in a cell of its duration."""
        least = min(p.slowdown for p in PROMISES if self.microseconds >= p.from_microseconds)
        return self.ratio is not None and self.ratio >= 1 + least

    @property
    def is_flagged(self) -> bool:
        """Whether a second process would be asked to confirm that it is slower."""
        return self.said == "flagged SLOWER"

    def as_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return {"ratio": self.ratio, "said": self.said, "is_promised": self.is_promised}


def decided(samples: CellSamples, family: int, fresh: CellSamples) -> list[str]:
    """Return what a gate says again and again of the same code, each decision on draws that no other has seen.

    Args:
        samples: of one process.
        family: number of cells that a run decides on.
        fresh: draws of another process, 24 or more, which confirm or refute a flag.
    """
    said = []
    rest = samples.draws
    controls = samples.controls
    while len(rest) >= LOOKS[0]:
        step = next_step(CellSamples(samples.cell, rest[: LOOKS[-1]], controls), family, min(len(rest), LOOKS[-1]))
        used = step.draws if isinstance(step, CellVerdict) and step.draws else len(rest)
        if isinstance(step, NeedsConfirmation):
            said.append(f"{confirm([step], {samples.cell: fresh})[samples.cell].kind.name} after a flag")
        else:
            said.append(said_of(step))
        rest = rest[used:]
        controls = {name: draws[used:] for name, draws in controls.items()}
    return said


def said_of(step: Step) -> str:
    """Return what is said of a cell, in a word or two."""
    if isinstance(step, NeedsConfirmation):
        return f"flagged {step.kind.name}"
    return step.kind.name if isinstance(step, CellVerdict) else "INCONCLUSIVE"


def turned(samples: CellSamples) -> CellSamples:
    """Return samples with their sides exchanged: a slower side was measured as the base, because a base is a folder."""
    draws = tuple(type(draw)(draw.head, draw.base) for draw in samples.draws)
    return CellSamples(samples.cell, draws, samples.controls)


def found(samples: CellSamples, family: int) -> Found:
    """Return what is said of a cell whose head is the slower side."""
    step = next_step(samples, family)
    figures = step.suspicion if isinstance(step, NeedsConfirmation) else step
    if not isinstance(figures, CellVerdict):
        return Found(samples.cell.id, 0.0, None, said_of(step))
    return Found(samples.cell.id, figures.base_microseconds or 0.0, figures.ratio, said_of(step))


def range_told(findings: Sequence[Found]) -> str:
    """Return the smallest and the largest slowdown, in words."""
    ratios = [(each.ratio, each.cell_id) for each in findings if each.ratio is not None]
    if not ratios:
        return "nothing measured"
    (low, low_cell), (high, high_cell) = min(ratios), max(ratios)
    return f"from {100 * (low - 1):+.1f} % ({low_cell}) to {100 * (high - 1):+.1f} % ({high_cell})"


def tally(findings: Iterable[Found]) -> str:
    """Return how many of the slowdowns that are promised to be found were flagged, and which were not."""
    promised = [each for each in findings if each.is_promised]
    missed = [each for each in promised if not each.is_flagged]
    told = f"of {len(promised)} planted slowdowns as large as promised, {len(promised) - len(missed)} were flagged"
    names = ", ".join(f"{each.cell_id} ({100 * ((each.ratio or 1) - 1):+.1f} %, {each.said})" for each in missed)
    return f"{told}; not: {names}" if missed else told


def decisions_of(runs: Sequence[stage.Measured]) -> Counter[str]:
    """Return how often the gate says what of the same code. A flag is held against the draws of the next process."""
    said: Counter[str] = Counter()
    for number, run in enumerate(runs):
        fresh = runs[(number + 1) % len(runs)].samples
        for cell, samples in run.samples.items():
            said.update(decided(samples, len(run.samples), fresh[cell]))
    return said


def power_of(cell: Cell, runs: Sequence[stage.Measured], planted: Sequence[stage.Measured]) -> CellPower:
    """Return the power of a cell, from its draws in all processes; the lower of the two where slowdowns were planted.

    Args:
        cell: which.
        runs: of the same code.
        planted: of slowdowns, in some of the cells.

    Raises:
        CannotRun: the figures of the cell are no measurement.
    """
    family = len(runs[0].samples)
    try:
        power = measured_power([run.samples[cell] for run in runs], family, is_same_code=True)
        if not all(cell in run.samples for run in planted):
            return power
        slower = measured_power([turned(run.samples[cell]) for run in planted], family, is_same_code=False)
    except ValueError as error:
        raise CannotRun(f"no certificate: {error}") from error
    return lower(power, slower)


def findings_of(run: stage.Measured) -> list[Found]:
    """Return what is said of each cell into which a slowdown was planted."""
    return [found(turned(samples), len(run.samples)) for samples in run.samples.values()]


def promise_told(held: tuple[Promise, CellPower | None]) -> str:
    """Return whether a promise is kept, in words."""
    promise, worst = held
    said = f"promised: +{100 * promise.slowdown:g} % from {promise.from_microseconds:g} us on is found in "
    said += f"{100 * promise.power:g} % of runs"
    if worst is None:
        return f"{said}; no cell takes as long"
    power = worst.power[promise.slowdown]
    return f"{said}; {'kept' if power >= promise.power else 'NOT KEPT'}: {100 * power:.1f} % ({worst.cell})"


def power_table(powers: list[CellPower]) -> Table:
    """Return what each cell sees."""
    at = (f"power at +{100 * effect:g} %" for effect in EFFECTS)
    table = table_of(("cell", "us", "scatter", *at, "sees from"), ("cell",))
    for power in powers:
        seen = "nothing" if power.smallest is None else f"+{100 * power.smallest:g} %"
        table.add_row(
            Text(power.cell),
            f"{power.microseconds:.2f}",
            f"{100 * power.scatter:.2f} %",
            *(f"{100 * power.power[effect]:.1f} %" for effect in EFFECTS),
            Text(seen, style="bold red" if power.is_blind else ""),
        )
    return table


def write_slower(slowdown: Change, folder: Path) -> None:
    """Write a copy of `kernels/` with a slowdown in it."""
    shutil.copytree(ROOT / "kernels", folder / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "kernels" / slowdown.path.name).write_text(slowdown.source(), encoding="utf-8")


def planted_cells(run: stage.Measured) -> list[Cell]:
    """Return the cells on which slowdowns are measured: the device time of `get_k_and_s`, on every workload."""
    return [cell for cell in run.samples if cell.metric == "device" and cell.function == "get_k_and_s"]
