"""Ratios of cells with their intervals and draws, as SVG. Colours come from the page's style."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np

from tests.latency import thresholds as limits
from tests.latency.cell_verdict import CellVerdict, Kind, span
from tests.latency.log_ratios import Malformed, Trouble, weigh_draws
from tests.latency.samples import Cell, CellSamples

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW = 1000, 250, 110, 30, 32
_LEAST_REACH, _MOST_REACH = math.log(1.06), math.log(1.5)
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
_Scale = Callable[[float], float]
"""From a log-ratio to a place on the page."""


def forest_plot(verdicts: Sequence[CellVerdict], samples: Mapping[Cell, CellSamples]) -> str:
    """Return an SVG element with a row for each verdict that has a ratio.

    Args:
        verdicts: at least one, in the order of rows.
        samples: by cell, the draws that are shown as small marks; a cell without is shown without.
    """
    rows = [verdict for verdict in verdicts if verdict.ratio is not None and verdict.interval is not None]
    reach = _reach(rows)
    height = _TOP + _ROW * len(rows) + 8

    def x(log_ratio: float) -> float:
        held = min(max(log_ratio, -reach), reach)
        return _LEFT + (held + reach) / (2 * reach) * (_WIDTH - _LEFT - _RIGHT)

    body = "".join(
        _row(verdict, samples.get(verdict.cell), _TOP + _ROW * place, x) for place, verdict in enumerate(rows)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="Ratio of head to base of {len(rows)} cells, with 99 % intervals and draws">'
        f"{_axis(reach, height, x)}{body}</svg>"
    )


def _reach(rows: Sequence[CellVerdict]) -> float:
    ends = [abs(math.log(end)) for verdict in rows for end in (verdict.ratio, *(verdict.interval or ())) if end]
    return min(max([1.15 * max(ends), _LEAST_REACH]), _MOST_REACH)


def _axis(reach: float, height: int, x: _Scale) -> str:
    step = next((step for step in _STEPS if reach / step <= 6.5), _STEPS[-1])
    count = int(math.expm1(reach) / step)
    parts = []
    for ratio in (1 + step * place for place in range(-count, count + 1)):
        if ratio <= 0 or abs(math.log(ratio)) > reach:
            continue
        at = x(math.log(ratio))
        colour = "var(--faint)" if abs(ratio - 1) < step / 2 else "var(--line)"
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP - 6}" y2="{height}" stroke="{colour}"/>')
        parts.append(f'<text class="faint" x="{at:.1f}" y="{_TOP - 12}" text-anchor="middle">{ratio:.2f}</text>')
    return "".join(parts)


def _row(verdict: CellVerdict, samples: CellSamples | None, top: int, x: _Scale) -> str:
    cell, ratio, interval = verdict.cell, verdict.ratio, verdict.interval
    assert ratio is not None
    assert interval is not None
    least = math.log1p(limits.MINIMUM_EFFECT[cell.metric])
    bound = float(limits.same_below(cell.metric, np.array(verdict.base_microseconds or 0.0)))
    colour = f"var(--{verdict.kind.value.lower()})"
    middle, strip = top + 11, top + 23
    fill = "var(--ground)" if verdict.kind is Kind.INCONCLUSIVE else colour
    low, high, center = (x(math.log(value)) for value in (*interval, ratio))
    draws = "".join(
        f'<circle cx="{x(log_ratio):.1f}" cy="{strip}" r="2" fill="{colour}" fill-opacity="0.45"/>'
        for log_ratio in _log_ratios(samples, verdict.draws)
    )
    tip = escape(f"{cell.id}: {verdict.kind.value}, ratio {ratio:.4f}, {span(interval)}")
    return (
        f"<g><title>{tip}</title>"
        f'<rect x="{x(-least):.1f}" y="{top + 2}" width="{x(least) - x(-least):.1f}" height="{_ROW - 4}" '
        f'fill="var(--line)" fill-opacity="0.45"/>'
        f'<line x1="{x(math.log1p(bound)):.1f}" x2="{x(math.log1p(bound)):.1f}" y1="{top + 2}" y2="{top + _ROW - 2}" '
        f'stroke="var(--faint)" stroke-dasharray="3 3"/>'
        f'<text x="{_LEFT - 12}" y="{middle + 4}" text-anchor="end">{escape(cell.id)}</text>'
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="{colour}" stroke-width="2.5"/>'
        f'<circle cx="{center:.1f}" cy="{middle}" r="4.5" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
        f"{draws}"
        f'<text x="{_WIDTH - _RIGHT + 12}" y="{middle + 4}" style="fill: {colour}">{verdict.kind.value}</text></g>'
    )


def _log_ratios(samples: CellSamples | None, count: int) -> list[float]:
    """Return the log-ratios of the draws that the verdict rests on; none of unfit samples, which its reason tells."""
    if samples is None or not samples.draws:
        return []
    try:
        evidence = weigh_draws(samples.draws[:count])
    except Malformed:
        return []
    return evidence.log_ratios[0].tolist() if evidence.trouble[0] == Trouble.NONE else []
