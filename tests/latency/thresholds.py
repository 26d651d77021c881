"""What the latency gate looks for and how often it may be wrong, as data. `decision.py` says how they are used."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tests.latency.samples import Metric
from tests.latency.statistics import Floats

FALSE_ALARM = 0.005
"""Probability that a run on unchanged code calls any cell SLOWER or FASTER: over all cells, metrics and looks."""
SCREENING_ERROR = 0.05
"""Probability that the first process flags any cell as slower, and the same as faster. A flag costs a second process,
no error: so it is cheap to be wrong here, and dear to miss."""
MISSED = 0.005
"""Probability, per cell and process, that SAME is said although the cell is as slow as its `same_below`."""
CONTROL_ERROR = 0.005
"""Probability, per control and direction, that identical code which lies beyond the minimum effect is a fluke."""

LOOKS = (8, 12, 16, 24)
"""Draws of the first process after which it may decide, and ends at last."""
DRAWS = LOOKS[0]
"""Of a cell that no decision asks more draws of: against stored runs, and in a benchmark."""
FLAG_SPENDING = (0.0, 1 / 3, 1 / 3, 1 / 3)
"""Share of `SCREENING_ERROR` spent at each look. None at eight draws: signed ranks of eight cannot be rarer than
1/256, which is not rare among 30 cells."""
SAME_SPENDING = (0.79, 0.10, 0.07, 0.04)
"""Share of `MISSED` at each look. Most at the first, where unchanged cells should end: eight draws that all lie below
the bound have a probability of 1/256, just under 0.79 * 0.005."""
CONFIRMATION_LOOKS = (16, 24)
"""Draws of the second process after which it may decide."""
CONFIRMATION_SPENDING = (0.5, 0.5)
"""Share of `FALSE_ALARM`, and of `MISSED`, at each look of the second process."""

INTERVAL_CONFIDENCE = 0.99
"""Of the two-sided intervals in reports."""
VISIBLE_POWER = 0.9
"""Probability with which an effect is found that is called the smallest visible one."""
STUCK_SHARE = 0.5
"""A cell with more than this share of draws in which no replay differed from another has a stuck clock. Fewer can be
coarse readings of quiet replays; and a clock that is stuck in fewer scatters the ratios so much that the cell stays
open."""
REPLAY_TRIM = 0.25
"""Share of a draw's pairs of replays that is cut on either side: what the machine did besides comes in bursts."""


MINIMUM_EFFECT: Mapping[Metric, float] = MappingProxyType({"device": 0.01, "in place": 0.01, "host": 0.02})
"""Relative change that must be exceeded with certainty before a cell is flagged, the same for all durations.

The host shares its cores and clocks with whatever else runs: unchanged code took 28 to 53 us on one machine.
"""
SAME_BELOW: Mapping[Metric, tuple[tuple[float, float], ...]] = MappingProxyType(
    {
        "device": ((11.5, 0.0175), (4.7, 0.025), (0.0, 0.04)),
        "in place": ((11.5, 0.025), (0.0, 0.05)),
        "host": ((0.0, 0.05),),
    }
)
"""Relative slowdown that must be ruled out before a cell is SAME, for cells from so many microseconds up.

It lies below what `PROMISES` says is found, so that they hold for slowdowns measured a little low; and it begins
earlier, so that a cell at the border gets what it was promised whichever way its duration was rounded.
"""
DRIFT: Mapping[Metric, float] = MappingProxyType({"device": 0.10, "in place": 0.20, "host": 0.50})
"""Relative change of a control's own time, between the halves of a run, from which on the machine has moved."""


@dataclass(frozen=True)
class Promise:
    """A slowdown of the GPU's time that is found with a power, in cells from a duration up."""

    from_microseconds: float
    slowdown: float
    power: float


PROMISES = (Promise(12.0, 0.02, 0.90), Promise(5.0, 0.03, 0.99), Promise(0.0, 0.05, 0.99))
"""What a certificate is held against. A cell keeps all that begin below its duration."""


FEWEST_RUNS = 5
"""Stored runs, whose memory, clocks and temperature were others, that a comparison with them takes."""
LEAST_THRESHOLD = 0.05
"""Relative change below which nothing is said against stored runs, however alike they are."""
HISTORY_SAME_BELOW = 0.10
"""Relative slowdown that must be ruled out before a cell is SAME against stored runs."""


def same_below(metric: Metric, microseconds: Floats) -> Floats:
    """Return the relative slowdown that SAME rules out, for cells of these durations."""
    starts, slowdowns = zip(*SAME_BELOW[metric], strict=True)
    return np.select([microseconds >= start for start in starts], slowdowns, slowdowns[-1])
