"""Ratios of cells with their intervals and draws: rows that are read on a phone as on a desk."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from ci.report.html import bullets, folded, text
from tests.latency.thresholds import MINIMUM_EFFECT

_LEAST_REACH, _MOST_REACH = math.log(1.06), math.log(1.5)
WORST_FIRST = ("SLOWER", "INCONCLUSIVE", "FASTER", "SAME")


def forest(report: Mapping[str, Any]) -> str:
    """Return the cells of a latency report: those with figures as rows of a plot, the others with their reasons."""
    cells = sorted(report.get("cells", ()), key=_rank)
    measured = [cell for cell in cells if cell.get("ratio") and cell.get("interval")]
    draws = {_id(samples["cell"]): _log_ratios(samples) for samples in report.get("samples", ())}
    reach = _reach(measured)

    def x(log_ratio: float) -> float:
        return 100 * (min(max(log_ratio, -reach), reach) + reach) / (2 * reach)

    low, high = (f"{math.exp(end):.2f}" for end in (-reach, reach))
    ends = f"<span>{low}</span><span>1</span><span>{high}</span>"
    axis = f'<div class="row"><span></span><div class="axis">{ends}</div></div>'
    rows = "".join(_row(cell, draws.get(str(cell["cell"]), []), x) for cell in measured)
    plot = axis + rows if measured else "<p>Nothing was measured.</p>"
    identical = [cell for cell in cells if cell.get("stage") == "identity"]
    because = "machine code and launch are identical, nothing was measured"
    same = f"<p>{len(identical)} more: {because}.</p>" if identical else ""
    told = [f"{cell['verdict']} {cell['cell']}: {cell['reason']}" for cell in cells if cell["verdict"] != "SAME"]
    return plot + same + (folded("why", bullets(told)) if told else "")


def _rank(cell: Mapping[str, Any]) -> tuple[int, float]:
    change = abs(math.log(cell["ratio"])) if cell.get("ratio") else 0.0
    return WORST_FIRST.index(cell["verdict"]) if cell["verdict"] in WORST_FIRST else len(WORST_FIRST), -change


def _reach(cells: Sequence[Mapping[str, Any]]) -> float:
    ends = [abs(math.log(end)) for cell in cells for end in (cell["ratio"], *cell["interval"]) if end > 0]
    return min(max([1.15 * max(ends, default=0.0), _LEAST_REACH]), _MOST_REACH)


def _row(cell: Mapping[str, Any], draws: Sequence[float], x: Callable[[float], float]) -> str:
    least = math.log1p(MINIMUM_EFFECT["host" if "(host)" in cell["cell"] else "device"])
    low, high, middle = (x(math.log(value)) for value in (*cell["interval"], cell["ratio"]))
    verdict = text(cell["verdict"])
    dots = "".join(f'<i class="dot" style="left:{x(each):.1f}%"></i>' for each in draws)
    change = f"{100 * (cell['ratio'] - 1):+.1f} %"
    interval = f"99 % interval {cell['interval'][0]:.3f} to {cell['interval'][1]:.3f}"
    told = f"{cell['cell']}: {cell['verdict']}, {change}, {interval}"
    return (
        f'<div class="row"><div class="label"><span>{text(cell["cell"]).replace("/", "/<wbr>")}</span>'
        f'<span class="{verdict}">{verdict} {change}</span></div>'
        f'<div class="track {verdict}" role="img" aria-label="{text(told)}" title="{text(told)}">'
        f'<i class="zone" style="left:{x(-least):.1f}%;width:{x(least) - x(-least):.1f}%"></i>'
        f'<i class="span" style="left:{low:.1f}%;width:{max(high - low, 0.3):.1f}%"></i>'
        f'<i class="mark" style="left:{middle:.1f}%"></i>{dots}</div></div>'
    )


def _id(cell: Mapping[str, str]) -> str:
    metric = cell.get("metric", "device")
    return f"{cell['workload']}/{cell['function']}" + f" ({metric})" * (metric != "device")


def _log_ratios(samples: Mapping[str, Any]) -> list[float]:
    pairs = [(median(draw["base"]), median(draw["head"])) for draw in samples["draws"] if draw["base"] and draw["head"]]
    return [math.log(head / base) for base, head in pairs if head > 0 and base > 0]
