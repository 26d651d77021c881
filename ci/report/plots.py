"""Plots that need axes, by Matplotlib, as SVG inside the page; colours are the page's own, so that it may be dark."""

import io
import math
import re
from collections.abc import Mapping, Sequence
from statistics import median, pstdev
from typing import Any

import matplotlib

from tests.latency.machine import Machine
from tests.latency.samples import Cell
from tests.latency.stored_run import Run

matplotlib.use("svg")
from matplotlib import pyplot

MOST_RUNS = 200
"""Newest runs of a cell that are drawn."""
_COLOURS = {
    "#010101": "var(--ink)",
    "#020202": "var(--faint)",
    "#030303": "var(--line)",
    "#040404": "var(--first)",
    "#050505": "var(--second)",
    "#060606": "var(--bad)",
}
"""Colours that nothing else has, and what the page puts in their place."""
_INK, _FAINT, _LINE, _FIRST, _SECOND, _BAD = _COLOURS
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def history_of(cell: Cell, machines: Mapping[Machine, Sequence[Run]], implementation: str) -> str | None:
    """Return a cell's stored runs as SVG: time over the twin's with its scatter, and the copy's as a control.

    A line marks where another GPU or toolchain begins. None where fewer than two runs hold the cell.
    """
    runs = [
        (run, machine)
        for machine, of in machines.items()
        for run in of
        if run.about.implementation == implementation and run.about.base is None and cell in run.cells
        if run.cells[cell].twin
    ]
    runs = sorted(runs, key=lambda pair: pair[0].about.seconds_since_epoch)[-MOST_RUNS:]
    if len(runs) < 2:
        return None
    with pyplot.rc_context(_STYLE):
        figure, axes = pyplot.subplots(figsize=(4, 1.9), layout="constrained")
        ratios = [[math.exp(each) for each in run.cells[cell].log_to_twin] for run, _ in runs]
        spreads = [2.6 * pstdev(each) / math.sqrt(len(each)) for each in ratios]
        places = range(len(runs))
        axes.errorbar(
            places,
            list(map(median, ratios)),
            yerr=spreads,
            fmt="o",
            ms=2.5,
            lw=1,
            color=_FIRST,
            label=_name(implementation),
        )
        controls = [(place, _copy(run, cell)) for place, (run, _) in enumerate(runs) if run.cells[cell].copy]
        axes.plot(*zip(*controls, strict=True), "-", lw=1, color=_SECOND, label="copy") if controls else None
        for place in range(1, len(runs)):
            if runs[place][1] != runs[place - 1][1]:
                axes.axvline(place - 0.5, color=_BAD, ls="--", lw=1, label="other GPU or toolchain")
        axes.set_ylabel("time / twin")
        axes.set_xticks([0, len(runs) - 1], [run.name.split("_")[0] for run, _ in (runs[0], runs[-1])])
        axes.grid(axis="y", color=_LINE, lw=0.6)
        axes.legend(fontsize=7, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
        return _svg(figure, f"{cell.id}: {len(runs)} stored runs, time over the twin's")


def _copy(run: Run, cell: Cell) -> float:
    stored = run.cells[cell]
    return median(copy / twin for copy, twin in zip(stored.copy, stored.twin, strict=True))


def roofline(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return GB/s over the bytes of a call as SVG, below what a launch and the fastest copy allow.

    Args:
        rows: of a speed report, of one `side` each: the copy, and implementations.
    """
    points = [(row["side"], 1e3 * row["gb_per_s"] * row["cold_us"], row["gb_per_s"]) for row in rows]
    copies = [(moved, speed) for side, moved, speed in points if side == "copy"]
    with pyplot.rc_context(_STYLE):
        figure, axes = pyplot.subplots(figsize=(4.6, 3), layout="constrained")
        if copies:
            peak = max(speed for _, speed in copies)
            least = min(moved / speed for moved, speed in copies)  # nanoseconds: of the smallest copy
            moved = [
                10**exponent for exponent in (math.log10(min(m for _, m, _ in points)) + 0.1 * k for k in range(60))
            ]
            moved = [each for each in moved if each <= max(m for _, m, _ in points) * 1.3]
            axes.plot(moved, [min(peak, each / least) for each in moved], color=_FAINT, lw=1, label="launch, memory")
        for side, colour, mark in zip(dict.fromkeys(side for side, _, _ in points), _marks(), "xo^sv*", strict=False):
            of_side = [(moved, speed) for name, moved, speed in points if name == side]
            axes.plot(*zip(*of_side, strict=True), mark, ms=4, color=colour, label=_name(side), mfc="none")
        axes.set(xscale="log", yscale="log", xlabel="bytes a call must move", ylabel="GB/s")
        axes.legend(fontsize=7, frameon=False)
        return _svg(figure, "GB/s of each implementation over the bytes of a call")


def _name(side: str) -> str:
    short = side if len(side) <= 24 else f"{side[:21]}..."
    return short.replace("$", r"\$")  # else Matplotlib sets formulas


def _marks() -> tuple[str, ...]:
    return _INK, _FIRST, _SECOND, _BAD, _FAINT, _INK


def _svg(figure: Any, label: str) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    pyplot.close(figure)
    svg = out.getvalue()[out.getvalue().index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg).replace("xlink:href", "href")
    for colour, name in _COLOURS.items():
        svg = svg.replace(colour, name)
    escaped = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return svg.replace("<svg", f'<svg role="img" aria-label="{escaped}"', 1)
