"""From what the measuring processes told to verdicts. Pure; the rules are in `decision.py`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ci.latency.stage import Measured
from tests.latency.cell_verdict import CellVerdict, Kind, MoreDraws, NeedsConfirmation, Step
from tests.latency.decision import confirm, next_step, same_by_identity, unmeasured
from tests.latency.samples import Cell, CellSamples

CONFIRMATION_DRAWS = {True: 24, False: 16}
"""Draws of each flagged cell in the second process, by whether few are flagged."""
FEW = 4

MeasureAgain = Callable[[Sequence[Cell], int], Measured]
"""Measures cells in a new process, so many draws each."""


def judge(first: Measured, measure_again: MeasureAgain) -> tuple[list[CellVerdict], dict[Cell, CellSamples]]:
    """Return what is said about every cell, and the draws that rests on; those that are flagged are measured again.

    Args:
        first: what the first process told.
        measure_again: runs the second process, if one is needed.
    """
    steps = _steps(first)
    flagged = [step for step in steps if isinstance(step, NeedsConfirmation)]
    fresh: dict[Cell, CellSamples] = {}
    if flagged:
        fresh = measure_again([flag.cell for flag in flagged], CONFIRMATION_DRAWS[len(flagged) <= FEW]).samples
    confirmed = confirm(flagged, fresh)
    verdicts = [same_by_identity(cell) for cell in first.identical]
    verdicts += [unmeasured(cell, why) for cell, why in first.untrusted.items()]
    for samples, step in zip(first.samples.values(), steps, strict=True):
        if isinstance(step, NeedsConfirmation):
            step = confirmed[step.cell]
        elif isinstance(step, MoreDraws):
            step = unmeasured(samples.cell, f"{len(samples.draws)} of {step.draws} draws were made")
        verdicts.append(_with_cause(step, first.differs))
    return verdicts, {**first.samples, **fresh}


def has_flags(first: Measured) -> bool:
    """Whether a second process is needed, as far as the first has told."""
    return any(isinstance(step, NeedsConfirmation) for step in _steps(first))


def _steps(first: Measured) -> list[Step]:
    family = max(1, len(first.samples))
    return [next_step(samples, family) for samples in first.samples.values()]


def _with_cause(verdict: CellVerdict, differs: Mapping[Cell, str]) -> CellVerdict:
    """Add to a change what to look at."""
    how = differs.get(replace(verdict.cell, metric="device"))
    if verdict.kind not in (Kind.SLOWER, Kind.FASTER) or how is None:
        return verdict
    return replace(verdict, reason=f"{verdict.reason}. Look at {how}")
