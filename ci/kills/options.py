"""The command line of `gate kills`."""

import argparse
from pathlib import Path

from ci.job import Job, add_report
from tests.examine.selection import add_options, whole

MOST_WORKERS = 512


def _declare(parser: argparse.ArgumentParser) -> None:
    add_options(parser.add_argument, "--device")
    parser.add_argument(
        "--bug",
        dest="bugs",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only bugs like style/name, and no correct styles; repeatable",
    )
    parser.add_argument("--first-only", action="store_true", help="without the matrix of cases and bugs")
    parser.add_argument("-n", "--workers", type=whole(0, MOST_WORKERS), default=0, help="default: the cores")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there")
    add_report(parser)


JOB = Job(
    name="kills",
    about="Examine all planted bugs and all correct styles: what is caught, by which cases and checks, how soon?",
    example="kills --bug 'flat/*' --first-only",
    declare=_declare,
    module="ci.kills.command",
)
