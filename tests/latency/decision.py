"""From draws of base and head to FASTER, SAME, SLOWER or INCONCLUSIVE. Pure: no clocks, processes or files.

In this order, with the reason for each step:

1. **Identity.** A cell whose machine code and launch are the same on both sides is SAME without a measurement: what
   runs is the same, so only the machine could differ. The caller proves it (`tests/instruments/launches/`),
   or leaves it out to test the gate itself. It says nothing about the host's time, unless that is proved as well.
2. **Invalid figures** are INCONCLUSIVE, never SAME: times that are not finite or not positive, a clock that is stuck,
   draws that are no A B B A blocks. A broken measurement looks quiet, and quiet must not pass.
3. **Controls.** `copy`, `twin` and `empty` run the same code on both sides, in the same draws. If one of them differs
   between its sides by more than the minimum effect, or its own time drifts grossly within the run, what moved is
   the machine, and the cell is INCONCLUSIVE, whatever it shows.
4. **Screening.** Of each draw, one log-ratio: where the buffers lie biases a whole draw, so its replays are not
   independent, and draws are. Over draws, a 20 % trimmed mean with Yuen's standard error and Student's t, because
   bursts spoil single draws; and an exact signed-rank test, because a bias with two values fools t. Where both are
   sure that the ratio is more than the minimum effect from 1, the cell is *flagged*: changes below that are not worth
   anyone's time, and clocks and placement reach that far. Where both rule out a slowdown of `same_below`, and as much
   of a speed-up, it is SAME. Else it gets more draws, up to 24; with the last of them it is SAME if only the slowdown
   is ruled out, and INCONCLUSIVE if not. It is looked at after 8, 12, 16 and 24 draws and nowhere between; each look
   spends a stated share of the error, so that stopping early costs nothing that is not counted.
5. **Confirmation.** A flag is no verdict. Flagged cells are measured again in a new process, with new memory and
   permutations, and that evidence alone decides, by Holm's procedure over the flagged cells at `FALSE_ALARM`. So the
   error over all cells, metrics and looks is at most `FALSE_ALARM`, whatever the first process did: the flags only
   chose what is tested. This is no retry until green. A cell has one confirmation; if that is neither sure that it is
   slower nor that it is not, it is INCONCLUSIVE.
6. **The run.** Any SLOWER is exit code 1; else any INCONCLUSIVE is 2; else 0.

What it trusts: that draws are drawn. A bias of one side that is the same in all draws of a process, because its memory
was not allocated anew or is not the other side's too, looks like a change, and only the controls can tell.

What it refuses to say:

- SAME for lack of evidence. It takes a bound: "slower by less than 2.5 %", wrong for at most one of 200 cells that
  are that slow, in each process. SAME does not say that a cell is not faster.
- SLOWER from one process, from raw microseconds, or from a change within the minimum effect.
- Anything about cells whose machine moved, or about causes: it names a ratio and an interval.

Without a base, `history_decision.py` compares with stored runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tests.latency import criteria
from tests.latency import statistics as st
from tests.latency import thresholds as limits
from tests.latency.cell_verdict import (
    CellVerdict,
    Kind,
    MoreDraws,
    NeedsConfirmation,
    Stage,
    Step,
    percent,
    percent_of_log,
    span,
)
from tests.latency.criteria import MachineState, Said
from tests.latency.log_ratios import Evidence, Malformed, Trouble, arrays_of, weigh_draws
from tests.latency.samples import Cell, CellSamples


def same_by_identity(cell: Cell) -> CellVerdict:
    """Return the verdict on a cell of which both sides run the same: the GPU or, where its time counts, the host."""
    what = "machine code and launch are" if cell.metric == "device" else "what Python runs is"
    return CellVerdict(cell, Kind.SAME, Stage.IDENTITY, f"{what} identical: latency cannot differ")


def unmeasured(cell: Cell, why: str) -> CellVerdict:
    """Return the verdict on a cell that could not be measured, with a sentence that says why."""
    return CellVerdict(cell, Kind.INCONCLUSIVE, Stage.SCREENING, why)


def next_step(samples: CellSamples, family: int, most_draws: int = limits.LOOKS[-1]) -> Step:
    """Return what the first process says of a cell: a verdict, a flag, or how many draws it wants.

    The answer depends on the draws alone, not on how often it was asked for.

    Args:
        samples: all draws so far, in the order of measurement.
        family: number of cells and metrics that this run decides on, those that are SAME by identity left out.
        most_draws: how many the caller can afford; at the last look within them, an open cell is INCONCLUSIVE.

    Raises:
        ValueError: `family` or the number of draws is out of range.
    """
    _expect(family >= 1, f"family: expected the number of cells, at least 1, got {family}")
    count = len(samples.draws)
    _expect(count <= limits.LOOKS[-1], f"samples: expected at most {limits.LOOKS[-1]} draws, got {count}")
    affordable = [look for look in limits.LOOKS if look <= most_draws]
    if not affordable:
        return unmeasured(samples.cell, f"{most_draws} draws are too few: it takes at least {limits.LOOKS[0]}")
    for place, look in enumerate(affordable):
        if count < look:
            return _broken(samples, Stage.SCREENING) or MoreDraws(samples.cell, look)
        view = _View(samples, look, Stage.SCREENING, family)
        if view.refusal:
            return view.refusal
        is_last = look == affordable[-1]
        steady = np.zeros(1, bool)
        found = criteria.screening(view.sides, steady, samples.cell.metric, family, place, is_last)
        finding = Said(int(found[0]))
        if finding is Said.SAME:
            return view.same()
        if finding in (Said.SLOWER, Said.FASTER):
            kind = Kind[finding.name]
            why = f"flagged as {kind.name} by {view.estimate_told}, but not confirmed in a second process"
            suspicion = view.verdict(Kind.INCONCLUSIVE, why)
            return NeedsConfirmation(samples.cell, kind, samples, suspicion)
    return view.open()


def confirm(flagged: Sequence[NeedsConfirmation], fresh: Mapping[Cell, CellSamples]) -> dict[Cell, CellVerdict]:
    """Return what a second process says of the flagged cells, all together.

    Args:
        flagged: every cell that the first process flagged.
        fresh: draws of the second process, by cell, as many of each. Holm's procedure orders all cells of a look, so
            there is no look for which any of them has too few.

    Raises:
        ValueError: a cell appears twice, or fresh draws are among those that flagged their cell.
    """
    cells = [flag.cell for flag in flagged]
    _expect(len(set(cells)) == len(cells), "flagged: expected each cell once")
    have = {cell: fresh.get(cell, CellSamples(cell)) for cell in cells}
    for flag in flagged:
        again = set(have[flag.cell].draws) & set(flag.screened.draws)
        _expect(not again, f"fresh: expected new draws of {flag.cell.id}, got {len(again)} that flagged it")
    said: dict[Cell, CellVerdict] = {}
    remaining = list(flagged)
    views: dict[Cell, _View] = {}
    fewest = min((len(samples.draws) for samples in have.values()), default=0)
    affordable = [look for look in limits.CONFIRMATION_LOOKS if look <= fewest]
    for place, look in enumerate(affordable):
        views = {flag.cell: _View(have[flag.cell], look, Stage.CONFIRMATION, len(flagged)) for flag in remaining}
        error = limits.FALSE_ALARM * limits.CONFIRMATION_SPENDING[place]
        confirmed = st.holm([views[flag.cell].p_value(flag.kind) for flag in remaining], error)
        for flag, is_confirmed in zip(remaining, confirmed, strict=True):
            verdict = _confirmed(flag, views[flag.cell], is_confirmed, place, look == affordable[-1])
            if verdict:
                said[flag.cell] = verdict
        remaining = [flag for flag in remaining if flag.cell not in said]
    for flag in remaining:
        said[flag.cell] = views[flag.cell].unconfirmed(flag.kind) if views else flag.suspicion
    return said


def _confirmed(
    flag: NeedsConfirmation, view: "_View", is_confirmed: bool, place: int, is_last: bool
) -> CellVerdict | None:
    if view.refusal:
        return view.refusal
    steady, is_slower = np.zeros(1, bool), np.array([flag.kind is Kind.SLOWER])
    confirmed = np.array([is_confirmed])
    found = criteria.confirmation(view.sides, steady, confirmed, is_slower, flag.cell.metric, place, is_last)
    finding = Said(int(found[0]))
    if finding in (Said.SLOWER, Said.FASTER):
        why = f"{view.estimate_told}, confirmed on {view.look} fresh draws in a second process"
        return view.verdict(flag.kind, why)
    if finding is Said.SAME:
        verdict = view.same()
        return replace(verdict, reason=f"{verdict.reason}; a first process had flagged it as {flag.kind.name}")
    return None


class _View:
    """The evidence on one cell at one look, and what can be said with it.

    `refusal` is the verdict if figures or controls forbid any other; only without one is `sides` sound.
    """

    def __init__(self, samples: CellSamples, look: int, stage: Stage, family: int) -> None:
        self.cell, self.look, self.stage, self._family = samples.cell, look, stage, family
        self.refusal = _broken(samples, stage)
        if self.refusal is None:
            self.sides = weigh_draws(samples.draws[:look])
            self.refusal = self._unfit("", self.sides) or self._machine_moved(samples)

    def p_value(self, kind: Kind) -> float:
        """The error at which this evidence begins to confirm a flag; 1 if nothing may be said."""
        if self.refusal:
            return 1.0
        sides = self.sides if kind is Kind.SLOWER else criteria.mirrored(self.sides)
        return float(criteria.p_values(sides, float(np.log1p(limits.MINIMUM_EFFECT[self.cell.metric])))[0])

    @property
    def interval(self) -> tuple[float, float]:
        return _interval(self.sides)

    @property
    def estimate_told(self) -> str:
        center = float(self.sides.estimate.center[0])
        return f"{percent_of_log(center)} (99 % interval {span(self.interval)})"

    def verdict(self, kind: Kind, reason: str) -> CellVerdict:
        ratio = float(np.exp(self.sides.estimate.center[0]))
        base = float(self.sides.microseconds[0])
        return CellVerdict(self.cell, kind, self.stage, reason, self.look, ratio, self.interval, base, base * ratio)

    def same(self) -> CellVerdict:
        bound = float(limits.same_below(self.cell.metric, self.sides.microseconds)[0])
        return self.verdict(Kind.SAME, f"not slower by {100 * bound:g} % or more; estimate {self.estimate_told}")

    def open(self) -> CellVerdict:
        visible = percent(float(criteria.smallest_visible(self.sides, self.cell.metric, self._family)[0]))
        why = f"{self.look} draws cannot tell: {self.estimate_told}; the smallest slowdown visible here is {visible}"
        return self.verdict(Kind.INCONCLUSIVE, why)

    def unconfirmed(self, kind: Kind) -> CellVerdict:
        why = f"flagged as {kind.name}, and {self.look} fresh draws neither confirm nor refute it: {self.estimate_told}"
        return self.verdict(Kind.INCONCLUSIVE, why)

    def _unfit(self, control: str, evidence: Evidence) -> CellVerdict | None:
        trouble = Trouble(int(evidence.trouble[0]))
        if trouble is Trouble.NONE:
            return None
        of = f" of the control {control}" if control else ""
        why = f"the measurement{of} is invalid: the clock returned {trouble.told}"
        return CellVerdict(self.cell, Kind.INCONCLUSIVE, self.stage, why, self.look)

    def _machine_moved(self, samples: CellSamples) -> CellVerdict | None:
        for name, draws in samples.controls.items():
            control = weigh_draws(draws[: self.look])
            refusal = self._unfit(name, control)
            if refusal:
                return refusal
            said = MachineState(int(criteria.machine_state(control, self.cell.metric)[0]))
            if said is MachineState.BIASED:
                why = f"the control {name}, which is the same code on both sides, differs by {span(_interval(control))}"
                return self.verdict(Kind.INCONCLUSIVE, f"the machine moved: {why}")
            if said is MachineState.DRIFTED:
                change = percent_of_log(float(criteria.drift(control)[0]))
                why = f"the control {name} took {change} time in the second half of the run"
                return self.verdict(Kind.INCONCLUSIVE, f"the machine moved: {why}")
        return None


def _broken(samples: CellSamples, stage: Stage) -> CellVerdict | None:
    """Return the verdict on samples that cannot be weighed at all."""

    def refuse(why: str) -> CellVerdict:
        reason = f"the measurement is invalid: {why}"
        return CellVerdict(samples.cell, Kind.INCONCLUSIVE, stage, reason, len(samples.draws))

    if not samples.draws:
        return None
    if not samples.controls:
        return refuse("it has no controls, which would show whether the machine moved")
    for name, draws in {"": samples.draws, **samples.controls}.items():
        of = f" of the control {name}" if name else ""
        fewest = min(len(samples.draws), limits.LOOKS[0])
        if len(draws) < fewest:
            return refuse(f"expected at least {fewest} draws{of}, got {len(draws)}")
        try:
            arrays_of(draws)
        except Malformed as error:
            return refuse(f"{error}{of}")
    return None


def _interval(evidence: Evidence) -> tuple[float, float]:
    found = evidence.estimate
    margin = float(found.margin((1 - limits.INTERVAL_CONFIDENCE) / 2)[0])
    center = float(found.center[0])
    return float(np.exp(center - margin)), float(np.exp(center + margin))


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
