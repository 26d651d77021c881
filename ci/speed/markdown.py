"""The README's table of figures: `python -m ci.speed.markdown FILE`, of what `./ci/gate speed --json` wrote."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ci.speed import figures, table
from ci.speed.figures import COPY, Workload


def lines(content: Mapping[str, Any]) -> list[str]:
    """Return the table: a row a workload, microseconds on a cold L2 and the ratio to a copy of each implementation.

    Args:
        content: of the JSON report.

    Raises:
        ValueError: it is no report of a run that measured.
    """
    if not content.get("workloads"):
        raise ValueError("expected the JSON report of a ./ci/gate speed that measured")
    workloads = [Workload.from_json(workload) for workload in content["workloads"]]
    rows = list(map(figures.rows, workloads))
    names = workloads[0].implementations
    placed = [name for name in names if workloads[0].sides[name].in_place]
    shown = [workloads[0].sides[name].is_eager * table.EAGER_MARK for name in names]
    titles = [f"{name}{mark.replace('*', chr(92) + '*')}" for name, mark in zip(names, shown, strict=True)]
    summaries = figures.summaries(workloads)
    told = [
        _row(["workload", COPY, *titles, *(f"{name} in place" for name in placed)]),
        _row(["---", *["---:"] * (1 + len(names) + len(placed))]),
        *(_row([copy.workload, f"{copy.cold_us:.2f}", *_against_copy(others)]) for copy, *others in rows),
        *(_row([*cells, *[""] * len(placed)]) for cells in _over_all(summaries)),
        *([_row(["worst in place", "", *[""] * len(names), *_worst_in_place(summaries)])] if placed else ()),
    ]
    machine = ", ".join(value if key == "gpu" else f"{key} {value}" for key, value in content["machine"].items())
    told += ["", f"Microseconds of the GPU on a cold L2, in brackets the ratio to the copy. {machine}."]
    told += [f"I{table.IN_PLACE_NOTE[1:]}."]
    told += [f"Means are over the first {sum(w.is_stated for w in workloads)}. {table.floor_note(summaries)}."]
    if any(shown):
        told += [table.EAGER_NOTE.replace("*", "\\*", 1) + "."]
    return told


def _against_copy(rows: Sequence[figures.Row]) -> list[str]:
    in_place = [table.in_place(row) for row in rows if row.in_place_us is not None]
    return [*(f"{row.cold_us:.2f} ({row.to_copy:.2f})" for row in rows), *in_place]


def _over_all(summaries: Sequence[figures.Summary]) -> list[list[str]]:
    told = [
        ["geometric mean to copy", "1", *(f"**{s.to_copy.mean:.3f}**" for s in summaries)],
        ["worst to copy", "1", *(f"{s.to_copy.worst:.2f}" for s in summaries)],
    ]
    ratios = [summary.to_peer for summary in summaries]
    if any(ratios):
        told += [
            [f"geometric mean to {figures.PEER}", "", *("" if r is None else f"{r.mean:.3f}" for r in ratios)],
            [f"worst to {figures.PEER}", "", *("" if r is None else f"{r.worst:.2f}" for r in ratios)],
        ]
    return [*told, ["host us", "", *(f"{s.host_us:.1f}" for s in summaries)]]


def _worst_in_place(summaries: Sequence[figures.Summary]) -> list[str]:
    return [f"**{summary.in_place[0]:+.2f}**" for summary in summaries if summary.in_place]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str]) -> int:
    """Print the table; return the exit code."""
    if len(arguments) != 1:
        print("usage: python -m ci.speed.markdown FILE, what ./ci/gate speed --json FILE wrote", file=sys.stderr)
        return 2
    try:
        told = lines(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 2
    print("\n".join(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
