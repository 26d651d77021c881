"""The command line of `gate report`."""

import argparse
from pathlib import Path

from ci.job import Job
from ci.setup import extras
from tests import ROOT
from tests.calls import files


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT", help="what the --json of a job wrote")
    page = ROOT / ".gate" / "report.html"
    parser.add_argument("--html", type=Path, default=page, metavar="FILE", help="the page (default: .gate/report.html)")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML there")
    parser.add_argument("--json", dest="report", type=Path, metavar="FILE", help="write all reports there, as one")
    parser.add_argument(
        "--store", type=Path, metavar="FOLDER", help="of stored runs (default: where latency keeps them)"
    )


def _read(given: argparse.Namespace) -> argparse.Namespace:
    for name in ("html", "junit"):
        path = getattr(given, name)
        if path is not None and path.is_dir():
            raise argparse.ArgumentTypeError(f"argument --{name}: {files.NotWritten(f'{path} is a folder')}")
    return given


JOB = Job(
    name="report",
    about="Make a page, JUnit XML and JSON of the reports of a run.",
    example="report examination.json latency.json --html report.html",
    declare=_declare,
    read=_read,
    module="ci.report.command",
    extras=lambda options: [extras.MATPLOTLIB],
)
