"""`./ci/gate --certify`: what does the gate see on this machine, and how often is it wrong?

First the head is measured against itself, often enough for many decisions: none may be SLOWER. Then against copies of
the kernels that are slower on purpose. The power at round slowdowns is computed from the scatter of these very draws.
"""

import shutil
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ci.latency import stage
from ci.latency.base import ROOT, working_tree
from ci.latency.child import Order
from ci.latency.command import measuring, undecided, write_report
from ci.latency.decision import next_step
from ci.latency.history import History
from ci.latency.machine import Machine
from ci.latency.power import EFFECTS, CellPower, measured_power
from ci.latency.records import Certificate
from ci.latency.samples import Cell, CellSamples
from ci.latency.slowdowns import SLOWDOWNS, Slowdown
from ci.latency.thresholds import LOOKS
from ci.latency.verdict import NeedsConfirmation, Step, Verdict
from ci.measuring_process import CannotMeasure
from ci.options import Options

SAME_CODE_DRAWS = 24
"""Of each cell and process: as many as a decision can take."""
PLANTED_DRAWS = LOOKS[1]
"""As many as it takes before a cell can be flagged."""
PROCESSES = 4
"""That measure the head against itself. Each has its memory, modules and clocks anew."""


def main(options: Options, console: Console) -> int:
    """Certify the gate on this machine; return 0, 1 if the same code was called slower, 2 if it could not be done."""
    began = time.monotonic()
    try:
        return _certify(options, console, began)
    except CannotMeasure as error:
        return undecided(options, console, str(error), began)
    except KeyboardInterrupt:
        return undecided(options, console, "interrupted", began)


def _certify(options: Options, console: Console, began: float) -> int:
    runs = [_measure(options, console, None, SAME_CODE_DRAWS, seed) for seed in range(PROCESSES)]
    decisions = Counter(
        decision for run in runs for samples in run.samples.values() for decision in decided(samples, len(run.samples))
    )
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(decisions.items()))
    sentence = f"the same code: {sum(decisions.values())} decisions, {told}"
    console.print(Text(sentence), soft_wrap=True)
    powers = [power_of(runs, index) for index in range(len(runs[0].samples))]
    console.print(power_table(powers))
    planted = []
    for number, slowdown in enumerate(SLOWDOWNS):
        with tempfile.TemporaryDirectory(prefix="slowdown-") as folder:
            write_slower(slowdown, Path(folder))
            # The slower side is the base here: it is a folder, as a base is. Its ratio is turned round.
            run = _measure(options, console, folder, PLANTED_DRAWS, PROCESSES + number, planted_cells(runs[0]))
        planted.append((slowdown.name, run))
        console.print(Text(f"planted {slowdown.name}: {_effects(run)}"), soft_wrap=True)
    content = {
        "decisions": dict(decisions),
        "cells": [{**power.as_json(), "told": power.told} for power in powers],
        "planted": {name: _effect_of(run) for name, run in planted},
    }
    tree = working_tree()
    machine = Machine(**runs[0].machine)
    History(machine).certify(Certificate(tree.commit, time.time(), content))
    exit_code = 1 if decisions["flagged SLOWER"] or decisions["flagged FASTER"] else 0
    samples = [s.as_json() for run in runs for s in run.samples.values()]
    write_report(options.report, {**content, "machine": asdict(machine), "samples": samples}, exit_code, began)
    seconds = time.monotonic() - began
    console.print(Text(f"certified on {sentence} ({seconds:.0f} s)"), soft_wrap=True)
    return exit_code


def decided(samples: CellSamples, family: int) -> list[str]:
    """Return what the first process says again and again, each decision on draws that no other has seen."""
    said = []
    rest = samples.draws
    controls = samples.controls
    while len(rest) >= LOOKS[0]:
        step = next_step(CellSamples(samples.cell, rest[: LOOKS[-1]], controls), family, min(len(rest), LOOKS[-1]))
        used = step.draws if isinstance(step, Verdict) and step.draws else len(rest)
        said.append(said_of(step))
        rest = rest[used:]
        controls = {name: draws[used:] for name, draws in controls.items()}
    return said


def said_of(step: Step) -> str:
    """Return what the first process says of a cell, in a word or two."""
    if isinstance(step, NeedsConfirmation):
        return f"flagged {step.kind.name}"
    return step.kind.name if isinstance(step, Verdict) else "INCONCLUSIVE"


def power_of(runs: list[stage.Measured], index: int) -> CellPower:
    """Return the power of a cell, from its draws in all processes."""
    of_cell = [list(run.samples.values())[index] for run in runs]
    draws = tuple(draw for samples in of_cell for draw in samples.draws)
    return measured_power(CellSamples(of_cell[0].cell, draws, {}), len(runs[0].samples), is_same_code=True)


def power_table(powers: list[CellPower]) -> Table:
    """Return what each cell sees."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("cell", "us", "scatter", *(f"power at +{100 * effect:g} %" for effect in EFFECTS), "sees from"):
        table.add_column(heading, justify="left" if heading == "cell" else "right")
    for power in powers:
        seen = "nothing" if power.smallest is None else f"+{100 * power.smallest:g} %"
        table.add_row(
            Text(power.cell_id),
            f"{power.microseconds:.2f}",
            f"{100 * power.scatter:.2f} %",
            *(f"{100 * power.power[effect]:.1f} %" for effect in EFFECTS),
            Text(seen, style="bold red" if power.is_blind else ""),
        )
    return table


def write_slower(slowdown: Slowdown, folder: Path) -> None:
    """Write a copy of `kernels/` with a slowdown in it."""
    shutil.copytree(ROOT / "kernels", folder / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "kernels" / slowdown.file
    path.write_text(slowdown.apply(path.read_text(encoding="utf-8")), encoding="utf-8")


def planted_cells(run: stage.Measured) -> list[Cell]:
    """Return the cells on which slowdowns are measured: the device time of `get_k_and_s`, on every workload."""
    return [cell for cell in run.samples if cell.metric == "device" and cell.function == "get_k_and_s"]


def _measure(
    options: Options, console: Console, base: str | None, draws: int, seed: int, cells: list[Cell] | None = None
) -> stage.Measured:
    asked = None if cells is None else [asdict(cell) for cell in cells]
    order = Order(options.implementation, base, asked, draws, seed, check_identity=False, check_clock=False)
    with measuring(console) as on_progress:
        return stage.run(order, on_progress)


def _effect_of(run: stage.Measured) -> dict[str, dict[str, Any]]:
    """Return, by cell, by how much the planted slowdown slows, and what a gate would say of it first."""
    told = {}
    for samples in run.samples.values():
        turned = CellSamples(
            samples.cell,
            tuple(type(draw)(draw.head, draw.base) for draw in samples.draws),
            samples.controls,
        )
        step = next_step(turned, len(run.samples), PLANTED_DRAWS)
        figures = step.suspicion if isinstance(step, NeedsConfirmation) else step
        ratio = figures.ratio if isinstance(figures, Verdict) else None
        told[samples.cell.id] = {"ratio": ratio, "said": said_of(step)}
    return told


def _effects(run: stage.Measured) -> str:
    ratios = [(told["ratio"], cell) for cell, told in _effect_of(run).items() if told["ratio"] is not None]
    if not ratios:
        return "nothing measured"
    (low, low_cell), (high, high_cell) = min(ratios), max(ratios)
    return f"from {100 * (low - 1):+.1f} % ({low_cell}) to {100 * (high - 1):+.1f} % ({high_cell})"
