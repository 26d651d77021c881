"""Stored runs for other tools: CSV, and the JSON that github-action-benchmark takes. Pure."""

import csv
import io
import json
import math
from collections.abc import Sequence

from ci.history.choice import Kept
from ci.history.comparison import center
from tests.latency.storage import key_of

COLUMNS = (
    *("run", "time", "machine", "way", "commit", "branch", "base", "cell", "metric", "microseconds"),
    *("ratio_to_twin", "ratio_to_copy", "gb_per_s", "draws", "verdict"),
)


def as_csv(kept: Sequence[Kept]) -> str:
    """Return a line a run and cell, below the `COLUMNS`."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for each in kept:
        about = each.run.about
        for cell, stored in each.run.cells.items():
            run = each.run.name, f"{about.seconds_since_epoch:.0f}", key_of(each.machine), about.way
            code = about.commit, about.branch, about.base
            ratio = math.exp(center(each.run, cell)) if stored.twin else None
            figures = 1e6 * stored.seconds, ratio, stored.ratio_to_copy, stored.gb_per_s
            said = stored.said.kind if stored.said else None
            lines.writerow((*run, *code, cell.id, cell.metric, *map(_number, figures), len(stored.head), said))
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def as_github_action_benchmark(newest: Kept) -> str:
    """Return the newest run as a list of `customSmallerIsBetter`: that tool keeps the history itself."""
    rows = [
        {
            "name": cell.id,
            "unit": "times the twin" if stored.twin else "us",
            "value": math.exp(center(newest.run, cell)) if stored.twin else 1e6 * stored.seconds,
            "extra": f"{1e6 * stored.seconds:.2f} us on {newest.machine}",
        }
        for cell, stored in newest.run.cells.items()
    ]
    return json.dumps(rows, indent=2) + "\n"
