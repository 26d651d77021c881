"""The command line of `gate cost`."""

import argparse

from ci.job import Job, add_report
from ci.setup import extras
from tests.examine.selection import add_options


def _declare(parser: argparse.ArgumentParser) -> None:
    add_options(parser.add_argument, "--impl")
    parser.add_argument("--accept", dest="accept_cost", action="store_true", help="make what is counted the baseline")
    add_report(parser)


JOB = Job(
    name="cost",
    about="Count what calls cost, on no GPU, and hold it against the baseline.",
    example="cost --impl my_gather.py",
    declare=_declare,
    module="ci.cost.command",
    extras=lambda options: extras.of_implementations(options.implementation),
    formerly={"--cost": "cost", "--accept-cost": "cost --accept"},
)
