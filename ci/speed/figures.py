"""From measured seconds to the figures that are shown. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import geometric_mean, median
from typing import Any

COPY, EMPTY, ALLOCATION = "copy", "empty launch", "torch.empty"
"""Names of the sides that implementations are held against."""
CONTROLS = (COPY, EMPTY, ALLOCATION)
PEER = "sglang"
ONE_TOKEN_PAGES, SAME_TOKENS = "page-1-32k", "1x32k"
"""Workloads of as many tokens, with 1 and 64 a page."""


@dataclass(frozen=True)
class Timed:
    """What one side took on one workload: seconds a call, the median of each run."""

    host: tuple[float, ...]
    cold: tuple[float, ...] = ()
    """Of the GPU, with nothing of the call in the L2."""
    warm: tuple[float, ...] = ()
    """Of the GPU, with the L2 as the same call left it."""
    in_place: tuple[float, ...] = ()
    """Of the GPU, that a layer takes longer than with the copy; empty for the copy, and where no graph holds a side."""
    launches: int | None = None
    is_eager: bool = False
    """Whether it waits for the device, so that no graph holds it: its device time is then the sum of its kernels."""


@dataclass(frozen=True)
class Workload:
    """What all sides took on one workload."""

    name: str
    needed_bytes: int
    """That a call must read and write."""
    is_stated: bool
    """Whether geometric means are over it."""
    sides: Mapping[str, Timed]

    @property
    def implementations(self) -> list[str]:
        """Names of the sides that are no controls."""
        return [name for name in self.sides if name not in CONTROLS]

    def cold(self, side: str) -> float:
        """Return the seconds of the GPU that a call of a side takes on a cold L2."""
        return median(self.sides[side].cold)

    def host(self, side: str) -> float:
        """Return the seconds of the host that a call of a side takes."""
        return median(self.sides[side].host)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Workload":
        """Return the workload that a JSON object means."""
        sides = {
            name: Timed(
                tuple(s["host"]), tuple(s["cold"]), tuple(s["warm"]), tuple(s["in_place"]), s["launches"], s["is_eager"]
            )
            for name, s in content["sides"].items()
        }
        return cls(content["name"], content["needed_bytes"], content["is_stated"], sides)


@dataclass(frozen=True)
class Row:
    """The figures of one implementation, or of the copy, on one workload."""

    workload: str
    side: str
    cold_us: float
    warm_us: float
    host_us: float
    launches: int | None
    gb_per_s: float
    """10^9 needed bytes a second, on a cold L2."""
    to_copy: float
    """Ratio of the time on a cold L2."""
    in_place_us: float | None
    """What a layer takes longer than with the copy in its place."""
    is_eager: bool


@dataclass(frozen=True)
class Ratio:
    """Ratios over the stated workloads."""

    mean: float
    """Geometric."""
    worst: float
    worst_in: str


@dataclass(frozen=True)
class Summary:
    """The figures of one implementation over all stated workloads. None where the other side was not measured."""

    side: str
    to_copy: Ratio
    to_peer: Ratio | None
    host_to_peer: Ratio | None
    host_us: float
    """Median over the stated workloads."""
    host_floor_us: float
    """An empty Triton launch and one `torch.empty`, median over the same."""
    in_place: tuple[float, str] | None
    """Most microseconds that a layer takes longer than with the copy, of all workloads, and on which."""
    one_token_pages: float | None
    """Ratio of the time for pages of 1 token to that for pages of 64, same tokens."""


def rows(workload: Workload) -> list[Row]:
    """Return the rows of a workload: the copy, then each implementation."""
    return [_row(workload, side) for side in (COPY, *workload.implementations)]


def _row(workload: Workload, side: str) -> Row:
    timed, cold = workload.sides[side], workload.cold(side)
    return Row(
        workload.name,
        side,
        1e6 * cold,
        1e6 * median(timed.warm),
        1e6 * median(timed.host),
        timed.launches,
        workload.needed_bytes / cold / 1e9,
        cold / workload.cold(COPY),
        1e6 * median(timed.in_place) if timed.in_place else None,
        timed.is_eager,
    )


def summaries(workloads: Sequence[Workload]) -> list[Summary]:
    """Return the summary of each implementation; none if no stated workload was measured."""
    stated = [workload for workload in workloads if workload.is_stated]
    return [_summary(workloads, stated, side) for side in (stated[0].implementations if stated else ())]


def _summary(workloads: Sequence[Workload], stated: Sequence[Workload], side: str) -> Summary:
    has_peer = side != PEER and PEER in stated[0].sides
    by_name = {workload.name: workload for workload in workloads}
    has_both = ONE_TOKEN_PAGES in by_name and SAME_TOKENS in by_name
    in_place = [(1e6 * median(told), w.name) for w in workloads if (told := w.sides[side].in_place)]
    return Summary(
        side,
        to_copy=_over([(w.name, w.cold(side) / w.cold(COPY)) for w in stated]),
        to_peer=_over([(w.name, w.cold(side) / w.cold(PEER)) for w in stated]) if has_peer else None,
        host_to_peer=_over([(w.name, w.host(side) / w.host(PEER)) for w in stated]) if has_peer else None,
        host_us=1e6 * median(w.host(side) for w in stated),
        host_floor_us=1e6 * median(w.host(EMPTY) + w.host(ALLOCATION) for w in stated),
        in_place=max(in_place, default=None),
        one_token_pages=by_name[ONE_TOKEN_PAGES].cold(side) / by_name[SAME_TOKENS].cold(side) if has_both else None,
    )


def _over(ratios: Sequence[tuple[str, float]]) -> Ratio:
    worst_in, worst = max(ratios, key=lambda named: named[1])
    mean = geometric_mean(ratio for _, ratio in ratios)
    if not 0 < mean < math.inf:
        raise ValueError(f"ratios: expected finite numbers above 0, not {ratios}")
    return Ratio(mean, worst, worst_in)
