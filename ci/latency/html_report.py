"""A run of the latency gate as one page of HTML: no scripts, no other files, light or dark as the reader's system."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from ci.latency import table
from ci.latency.forest_plot import forest_plot
from tests.latency.cell_verdict import CellVerdict, Kind, Stage, overall
from tests.latency.samples import Cell, CellSamples

_STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1c2127; --faint: #6a737d; --line: #d8dde3;
  --slower: #c2350c; --faster: #1f6fd6; --same: #5b6670; --inconclusive: #a06a00; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181d; --ink: #e4e8ec; --faint: #98a3ad; --line: #323a42;
  --slower: #ff7a52; --faster: #6aacff; --same: #a9b3bc; --inconclusive: #e0a93b; } }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1.25rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.35rem; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p, dl { margin: .4rem 0; max-width: 60rem; } .faint { color: var(--faint); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dt { color: var(--faint); } dd { margin: 0; }
.wide { overflow-x: auto; } svg { display: block; min-width: 46rem; width: 100%; height: auto; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } svg text.faint { fill: var(--faint); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; }
th { text-align: left; color: var(--faint); font-weight: 500; }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.number { text-align: right; white-space: nowrap; } .name { white-space: nowrap; } td.reason { min-width: 22rem; }
.SLOWER { color: var(--slower); } .FASTER { color: var(--faster); } .INCONCLUSIVE { color: var(--inconclusive); }
.SLOWER, .FASTER, .INCONCLUSIVE { font-weight: 600; } .SAME { color: var(--same); }
"""
_WORST_FIRST = (Kind.SLOWER, Kind.INCONCLUSIVE, Kind.FASTER, Kind.SAME)


def page(
    verdicts: Sequence[CellVerdict],
    samples: Mapping[Cell, CellSamples],
    facts: Mapping[str, str],
    blind: Sequence[str] = (),
) -> str:
    """Return the page.

    Args:
        verdicts: on every cell.
        samples: the draws that verdicts rest on, by cell; those that are missing are not drawn.
        facts: what the run was: revisions, GPU, versions; name and value, as text.
        blind: a sentence for each cell that cannot see a slowdown of 10 %, from the certificate.
    """
    outcome = overall(verdicts)
    ordered = sorted(verdicts, key=_rank)
    measured = [verdict for verdict in ordered if verdict.ratio is not None]
    identical = sum(verdict.stage is Stage.IDENTITY for verdict in verdicts)
    worst = _WORST_FIRST[{1: 0, 2: 1, 0: 3}[outcome.exit_code]].value
    facts_list = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    warnings = "".join(f'<p class="INCONCLUSIVE">{escape(sentence)}</p>' for sentence in blind)
    same = f"<p>{identical} more: machine code and launch are identical, nothing was measured.</p>" if identical else ""
    numbers = "".join(f'<th class="number">{name}</th>' for name in table.NUMBERS)
    plot = f'<div class="wide">{forest_plot(measured, samples)}</div>' if measured else "<p>Nothing was measured.</p>"
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(table.last_line(outcome).plain)}</title><style>{_STYLE}</style></head>
<body>
<h1 class="{worst}">{escape(table.last_line(outcome).plain)}</h1>
<p class="faint">exit code {outcome.exit_code}</p>
<dl>{facts_list}</dl>
{warnings}
<h2>Ratio of head to base</h2>
<p class="faint">Right of 1 is slower. A large mark with its bar is the ratio with its 99 % interval; a small one is a
draw. The band is the minimum effect: what lies within is no change. The dashed line is the slowdown that SAME rules
out.</p>
{plot}
{same}
<h2>Cells</h2>
<div class="wide"><table>
<thead><tr><th>workload</th><th>function</th>{numbers}<th>verdict</th><th>reason</th></tr></thead>
<tbody>{"".join(_row(verdict) for verdict in ordered)}</tbody>
</table></div>
</body></html>
"""


def _rank(verdict: CellVerdict) -> tuple[int, bool, float]:
    change = abs(math.log(verdict.ratio)) if verdict.ratio and verdict.kind is not Kind.SAME else 0.0
    return _WORST_FIRST.index(verdict.kind), verdict.stage is Stage.IDENTITY, -change


def _row(verdict: CellVerdict) -> str:
    cell, kind = verdict.cell, verdict.kind.value
    numbers = "".join(f'<td class="number">{number}</td>' for number in table.numbers_of(verdict))
    return (
        f'<tr><td class="name">{escape(cell.workload)}</td><td>{escape(cell.column)}</td>{numbers}'
        f'<td class="{kind}">{kind}</td><td class="reason">{escape(verdict.reason)}</td></tr>'
    )
