"""From this run's ratio to the frozen twin, and those of stored runs, to a verdict. Pure: no clocks or files.

For when there is no base to measure. Raw times of two runs are not comparable, so both are ratios to a twin that was
measured in the same draws. Still, another process has other memory, clocks and temperature, so the unit of evidence is
the run, and the spread between stored runs says how far an unchanged cell strays.

1. Fewer than five stored runs: INCONCLUSIVE, with how many are missing. A spread of less is a guess.
2. The *threshold* is where a new run of unchanged code lies with an error of `FALSE_ALARM` over the family and both
   directions: a prediction bound from the spread of the stored runs, and at least 5 %. The reason says it aloud.
3. Past it: SLOWER or FASTER. Else SAME, if a slowdown of 10 % is ruled out by the same spread; else INCONCLUSIVE.

It refuses to call changes within 5 %, to compare across GPUs, drivers or toolchains (the caller's key sees to that),
and to pool runs with different twins. There is no confirmation on fresh draws: another run is.
"""

import math
from collections.abc import Sequence

import numpy as np

from tests.latency import statistics as st
from tests.latency import thresholds as limits
from tests.latency.cell_verdict import CellVerdict, Kind, Stage, percent, percent_of_log, span
from tests.latency.samples import Cell


def against_history(
    cell: Cell, log_to_twin: Sequence[float], earlier: Sequence[Sequence[float]], family: int
) -> CellVerdict:
    """Return what is said about a cell against stored runs.

    Args:
        cell: which.
        log_to_twin: of each draw of this run, the natural logarithm of its time over the twin's.
        earlier: the same of each stored run, with the same key, implementation and twin.
        family: number of cells and metrics that this run decides on.

    Raises:
        ValueError: `family` is less than 1.
    """
    if family < 1:
        raise ValueError(f"family: expected the number of cells, at least 1, got {family}")

    def undecided(why: str) -> CellVerdict:
        return CellVerdict(cell, Kind.INCONCLUSIVE, Stage.HISTORY, why, len(log_to_twin))

    if len(log_to_twin) < limits.LOOKS[0]:
        return undecided(f"expected at least {limits.LOOKS[0]} draws with the twin, got {len(log_to_twin)}")
    if not np.isfinite(log_to_twin).all():
        return undecided("the measurement is invalid: ratios to the twin that are not finite numbers")
    stored = np.array([_center(run) for run in earlier if len(run) >= 4 and np.isfinite(run).all()])
    missing = limits.FEWEST_RUNS - len(stored)
    if missing > 0:
        return undecided(
            f"history has {len(stored)} runs of this cell that can be used, and a spread takes "
            f"{limits.FEWEST_RUNS}: {missing} more"
        )
    count = len(stored)
    change = _center(log_to_twin) - float(stored.mean())
    strays = float(stored.std(ddof=1)) * math.sqrt(1 + 1 / count)
    reach = st.student_t_quantile(limits.FALSE_ALARM / (2 * family), count - 1) * strays
    threshold = max(math.log1p(limits.LEAST_THRESHOLD), reach)
    margin = st.student_t_quantile((1 - limits.INTERVAL_CONFIDENCE) / 2, count - 1) * strays
    interval = (math.exp(change - margin), math.exp(change + margin))
    known = (
        f"{percent_of_log(change)} against {count} stored runs (99 % interval {span(interval)}; "
        f"without a base, only changes past {percent(math.expm1(threshold))} count)"
    )

    def verdict(kind: Kind, reason: str) -> CellVerdict:
        ratio = math.exp(change)
        return CellVerdict(cell, kind, Stage.HISTORY, reason, len(log_to_twin), ratio, interval)

    if change > threshold:
        return verdict(Kind.SLOWER, known)
    if change < -threshold:
        return verdict(Kind.FASTER, known)
    bound = limits.HISTORY_SAME_BELOW
    if change + st.student_t_quantile(limits.MISSED, count - 1) * strays < math.log1p(bound):
        return verdict(Kind.SAME, f"not slower by {100 * bound:g} % or more: {known}")
    return verdict(Kind.INCONCLUSIVE, f"stored runs differ too much to rule out {percent(bound)}: {known}")


def _center(log_ratios: Sequence[float]) -> float:
    return float(st.trimmed_mean(np.asarray(log_ratios, float), st.TRIMMED_SHARE))
