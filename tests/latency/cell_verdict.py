"""What the latency gate says about a cell, and about a run. Data and its words; the decisions are in `decision.py`."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from tests.latency.samples import Cell, CellSamples


class Kind(Enum):
    """What is said about a cell."""

    FASTER = "FASTER"
    SAME = "SAME"
    SLOWER = "SLOWER"
    INCONCLUSIVE = "INCONCLUSIVE"


class Stage(Enum):
    """Where a verdict comes from."""

    IDENTITY = "identity"
    """Machine code and launch are the same; nothing was measured."""
    SCREENING = "screening"
    """The first process."""
    CONFIRMATION = "confirmation"
    """Fresh draws in a second process."""
    HISTORY = "history"
    """Stored runs; there was no base to measure."""


@dataclass(frozen=True)
class CellVerdict:
    """What is said about one cell, and why."""

    cell: Cell
    kind: Kind
    stage: Stage
    reason: str
    """One sentence for a user."""
    draws: int = 0
    """How many draws it rests on."""
    ratio: float | None = None
    """Head's time over base's, if there are sound figures. Against history: the ratio to the twin, then over now."""
    interval: tuple[float, float] | None = None
    """99 % confidence interval of the ratio, two-sided."""
    base_microseconds: float | None = None
    head_microseconds: float | None = None


@dataclass(frozen=True)
class MoreDraws:
    """A cell that needs more evidence in the same process."""

    cell: Cell
    draws: int
    """How many it is to have in all."""


@dataclass(frozen=True)
class NeedsConfirmation:
    """A cell that the first process flagged; only fresh draws in a new process can decide on it."""

    cell: Cell
    kind: Kind
    """SLOWER or FASTER."""
    screened: CellSamples
    """The evidence that flagged it, which the confirmation may not use again."""
    suspicion: CellVerdict
    """What to say if there is no confirmation: INCONCLUSIVE, with the figures of the first process."""


Step = CellVerdict | MoreDraws | NeedsConfirmation


@dataclass(frozen=True)
class RunOutcome:
    """What a run came to."""

    exit_code: int
    """0 nothing slower, 1 a cell is SLOWER, 2 could not decide."""
    counts: dict[Kind, int]
    worst: CellVerdict | None
    """The cell that decided the exit code: the slowest, or the first undecided one."""


def overall(verdicts: Sequence[CellVerdict]) -> RunOutcome:
    """Return what a run came to. A SLOWER cell decides, whatever else happened; no cell at all decides nothing."""
    counts = Counter(verdict.kind for verdict in verdicts)
    by_kind = {kind: counts[kind] for kind in Kind}
    slower = [verdict for verdict in verdicts if verdict.kind is Kind.SLOWER]
    if slower:
        return RunOutcome(1, by_kind, max(slower, key=lambda verdict: verdict.ratio or 0.0))
    undecided = [verdict for verdict in verdicts if verdict.kind is Kind.INCONCLUSIVE]
    if undecided or not verdicts:
        return RunOutcome(2, by_kind, undecided[0] if undecided else None)
    return RunOutcome(0, by_kind, None)


def percent(relative: float) -> str:
    """Return `+3.1 %` for 0.031, with more digits where a tenth of a percent hides the figure."""
    return f"{100 * relative:+.1f} %"


def percent_of_log(log_ratio: float) -> str:
    """Return `+3.1 %` for the logarithm of 1.031."""
    return percent(math.expm1(log_ratio))


def span(interval: tuple[float, float]) -> str:
    """Return `+2.8 to +3.4 %` for an interval of ratios."""
    return f"{100 * (interval[0] - 1):+.1f} to {100 * (interval[1] - 1):+.1f} %"
