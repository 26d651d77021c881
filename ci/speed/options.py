"""The command line of `gate speed`."""

import argparse

from ci.job import Job, add_report
from ci.setup import extras
from tests.examine.selection import add_options, whole


def _declare(parser: argparse.ArgumentParser) -> None:
    add_options(parser.add_argument, "--impl")
    text = "draws of memory to measure (default: %(default)s)"
    parser.add_argument("--runs", type=whole(1, 1_000), default=3, metavar="N", help=text)
    add_report(parser)


JOB = Job(
    name="speed",
    about="Measure implementations side by side, on a GPU.",
    example="speed --impl my_gather.py --runs 5",
    declare=_declare,
    module="ci.speed.command",
    extras=lambda options: [extras.NVML, *extras.of_implementations(options.implementation)],
    formerly={"--speed": "speed", "--runs": "speed --runs N"},
)
