"""`./ci/gate report`: the reports of a run as a page, as JUnit XML, and as one JSON."""

import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ci.report.junit import junit
from ci.report.page import page, worst
from ci.reports.decision import Decision, counted
from ci.reports.reporter import SCHEMA, Reporter
from tests.calls import files
from tests.latency import history
from tests.latency.storage import read_all


def main(options: Namespace, start: Sequence[str], console: Console | None = None) -> int:
    """Write what is asked for; return 0, or 2 if it cannot be written. What the run came to is in the files."""
    reporter = Reporter("run", None, console)
    return reporter.of(lambda: _write(options, reporter))


def _write(options: Namespace, reporter: Reporter) -> int:
    reports, missing = read(options.reports)
    histories, left_out = read_all(options.store or history.FOLDER)
    missing += [f"left out of the history: {line}" for line in left_out]
    decision = worst(reports)
    options.html.parent.mkdir(parents=True, exist_ok=True)
    files.write(options.html, page(reports, histories, missing))
    if options.junit is not None:
        files.write(options.junit, junit(reports))
    if options.report is not None:
        head = {"report": "run", "schema": SCHEMA, "verdict": decision.word, "exit_code": int(decision)}
        files.write_json(options.report, {**head, "missing": missing, "parts": reports})
    reporter.section("missing", missing, "yellow")
    return reporter.told({}, Decision.CLEAN, f"{options.html} of {counted(len(reports), 'report')}", "written")


def read(paths: Sequence[Path]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the reports that are there, and in words those that are not."""
    reports: list[dict[str, Any]] = []
    missing: list[str] = []
    for path in paths:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict) or not isinstance(content.get("report"), str):
                raise ValueError("none of this project's")
        except FileNotFoundError:
            missing.append(f"{path.name}: the job did not get that far")
        except (OSError, ValueError, RecursionError) as error:
            missing.append(f"{path.name}: cannot be read: {error}")
        else:
            reports.append(content)
    return reports, missing
