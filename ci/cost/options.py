"""The command line of `gate cost`."""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.job import Job, add_report
from ci.setup import extras
from tests.examine.selection import add_options


@dataclass(frozen=True)
class Options:
    """What the user asks for."""

    implementation: str
    accept_cost: bool
    """Whether what was counted becomes the baseline."""
    report: Path | None


def _declare(parser: argparse.ArgumentParser) -> None:
    add_options(parser.add_argument, "--impl")
    parser.add_argument("--accept", dest="accept_cost", action="store_true", help="make what is counted the baseline")
    add_report(parser)


def _run(options: Options, start: Sequence[str]) -> int:
    from ci.cost import command

    return command.main(options, shlex.join(start))


JOB = Job(
    name="cost",
    about="Count what calls cost, on no GPU, and hold it against the baseline.",
    example="cost --impl my_gather.py",
    declare=_declare,
    read=lambda given: Options(**vars(given)),
    run=_run,
    extras=lambda options: extras.of_implementations(options.implementation),
    formerly={"--cost": "cost", "--accept-cost": "cost --accept"},
)
