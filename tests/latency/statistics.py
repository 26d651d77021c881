"""The statistics that the latency gate decides with: Student's t, trimmed means, signed ranks, Holm.

Functions of arrays work along the last axis and keep the others, so that one call serves one cell or a hundred
thousand simulated ones. No clocks, no files.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TRIMMED_SHARE = 0.2
"""Of draws, on either side. Wilcox, "Introduction to Robust Estimation and Hypothesis Testing", section 3.3."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_NOTHING = 45.0
"""What falls by so many powers of e does not show in a sum of doubles."""


def student_t_tail(t: float, degrees_of_freedom: float) -> float:
    """Return the probability that Student's t is `t` or more. Exact far into the tail.

    With t as the square root of its degrees of freedom over the tangent of an angle, it is an integral of the sine's
    power from 0 to that angle.
    """
    if math.isnan(t):
        raise ValueError("expected a number for t, got NaN")
    if t == math.inf:
        return 0.0
    if t < 0:
        return 1.0 - student_t_tail(-t, degrees_of_freedom)
    end, power = math.atan2(math.sqrt(degrees_of_freedom), t), degrees_of_freedom - 1
    start = math.asin(math.sin(end) * math.exp(-_NOTHING / max(power, 1.0)))
    angles = start + 0.5 * (end - start) * (1.0 + _NODES)
    log_scale = math.lgamma(0.5 * degrees_of_freedom + 0.5) - math.lgamma(0.5 * degrees_of_freedom)
    values = np.exp(log_scale + power * np.log(np.sin(angles)))
    return float(0.5 * (end - start) * (_WEIGHTS @ values) / math.sqrt(math.pi))


@lru_cache(maxsize=4096)
def student_t_quantile(tail: float, degrees_of_freedom: float) -> float:
    """Return the t that is exceeded with probability `tail`.

    Raises:
        ValueError: `tail` is not between 0 and 1, both excluded.
    """
    if not 0 < tail < 1:
        raise ValueError(f"expected a tail between 0 and 1, got {tail}")
    if tail > 0.5:
        return -student_t_quantile(1.0 - tail, degrees_of_freedom)
    low, high = 0.0, 1.0
    while student_t_tail(high, degrees_of_freedom) > tail:
        low, high = high, 2.0 * high
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if student_t_tail(middle, degrees_of_freedom) > tail else (low, middle)
    return 0.5 * (low + high)


def trimmed_mean(values: Floats, share: float) -> Floats:
    """Return the mean without the `share` lowest and the `share` highest, along the last axis."""
    count = values.shape[-1]
    cut = int(share * count)
    return np.sort(values, axis=-1)[..., cut : count - cut].mean(axis=-1)


@dataclass(frozen=True)
class Estimate:
    """Where values lie, and how well that is known. Arrays of one shape, but for the numbers."""

    center: Floats
    standard_error: Floats
    degrees_of_freedom: int
    count: int

    def margin(self, error: float) -> Floats:
        """Return how far from the centre a one-sided bound lies that is wrong with probability `error`."""
        return student_t_quantile(error, self.degrees_of_freedom) * self.standard_error


def estimate(values: Floats, least_deviation: Floats | float = 0.0) -> Estimate:
    """Return the 20 % trimmed mean along the last axis and its standard error after Yuen.

    Args:
        values: shape (..., count), count at least 4.
        least_deviation: shape (...), what the standard deviation of one value cannot be below, such as that of a
            clock's rounding.

    Raises:
        ValueError: there are fewer than four values.
    """
    count = values.shape[-1]
    if count < 4:
        raise ValueError(f"expected at least 4 values, got {count}")
    cut = int(TRIMMED_SHARE * count)
    kept = count - 2 * cut
    ordered = np.sort(values, axis=-1)
    center = ordered[..., cut : count - cut].mean(axis=-1)
    winsorised = np.clip(ordered, ordered[..., cut, None], ordered[..., count - cut - 1, None])
    deviation = np.sqrt(winsorised.var(axis=-1, ddof=1) * (count - 1) / (kept * (kept - 1)))
    floor = np.asarray(least_deviation) / math.sqrt(count)
    return Estimate(center, np.maximum(deviation, floor), kept - 1, count)


@lru_cache(maxsize=64)
def _signed_rank_tails(count: int) -> Floats:
    """Return the probabilities that the sum of positive ranks is w or more, for w from 0 on."""
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, count + 1):
        ways[rank:] = ways[rank:] + ways[:-rank]
    return np.cumsum(ways[::-1])[::-1] / 2.0**count


def signed_rank_tail(values: Floats, at: Floats | float) -> Floats:
    """Return the exact probability of signed ranks as high as these, were `values` spread evenly about `at`.

    Wilcoxon's signed-rank test, one-sided: small if most values lie above `at`. Needs symmetry only, no shape: two
    values that a placement draws by a coin do not fool it. Values that are equally far from `at` share their mean
    rank, and values equal to `at` count as below, so that ties make the answer larger.

    Args:
        values: shape (..., count).
        at: shape (...).
    """
    distances = values - np.asarray(at)[..., None]
    sizes = np.abs(distances)
    smaller = (sizes[..., None] > sizes[..., None, :]).sum(axis=-1)
    equal = (sizes[..., None] == sizes[..., None, :]).sum(axis=-1)
    ranks = smaller + 0.5 * (equal + 1)
    rank_sum = np.where(distances > 0, ranks, 0.0).sum(axis=-1)
    return _signed_rank_tails(values.shape[-1])[np.floor(rank_sum).astype(np.int64)]


def holm(p_values: Sequence[float], error: float) -> list[bool]:
    """Return which hypotheses are rejected at a family-wise `error`, under any dependence (Holm 1979)."""
    rejected = [False] * len(p_values)
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if not p_values[index] <= error / (len(p_values) - place):
            break
        rejected[index] = True
    return rejected
