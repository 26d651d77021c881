"""The command line of `gate history`."""

import argparse
from pathlib import Path

from ci.job import Job, add_report
from ci.setup import extras

ACTIONS = {"list": 0, "show": 1, "compare": 2, "trend": None, "prune": 0, "export": 0}
"""What can be asked for, and how many names it takes; a trend takes a cell, or none for all."""
FORMATS = ("csv", "github-action-benchmark")


def _declare(parser: argparse.ArgumentParser) -> None:
    about = "list; show RUN; compare A B; trend [CELL]; prune; export (default: list)"
    parser.add_argument("action", nargs="?", default="list", choices=ACTIONS, metavar="ACTION", help=about)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a run by number or name, a commit, or a branch; a cell of a trend"
    )
    parser.add_argument(
        "--impl", dest="implementation", default="own", metavar="NAME", help="whose runs (default: own)"
    )
    parser.add_argument("--store", type=Path, metavar="FOLDER", help="of the runs (default: where latency keeps them)")
    parser.add_argument("--keep", type=int, default=500, metavar="N", help="newest runs a machine that prune leaves")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="of an export (default: csv)")
    add_report(parser)


def _read(given: argparse.Namespace) -> argparse.Namespace:
    takes, got = ACTIONS[given.action], len(given.names)
    if takes is None and got > 1:
        raise argparse.ArgumentTypeError(f"argument NAME: trend takes one cell, or none for all; got {got}")
    if takes is not None and got != takes:
        raise argparse.ArgumentTypeError(f"argument NAME: {given.action} takes {takes or 'no'} names; got {got}")
    if given.keep < 1:
        raise argparse.ArgumentTypeError(f"argument --keep: expected 1 or more, got {given.keep}")
    return given


JOB = Job(
    name="history",
    about="Look at stored runs of latency: list, show, compare, trend, prune, export.",
    example="history compare main HEAD",
    declare=_declare,
    read=_read,
    module="ci.history.command",
    extras=lambda options: [extras.RUPTURES] if options.action == "trend" else [],
)
