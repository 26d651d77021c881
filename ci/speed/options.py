"""The command line of `gate speed`."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.job import Job, add_report
from ci.setup import extras
from tests.examine.selection import add_options, whole


@dataclass(frozen=True)
class Options:
    """What the user asks for."""

    implementation: str
    runs: int | None
    """Draws of memory that are measured, or None for as many as it takes by itself."""
    report: Path | None


def _declare(parser: argparse.ArgumentParser) -> None:
    add_options(parser.add_argument, "--impl")
    parser.add_argument("--runs", type=whole(1, 1_000), metavar="N", help="draws of memory to measure (default: 3)")
    add_report(parser)


def _run(options: Options, start: Sequence[str]) -> int:
    from ci.reports.console import console_on
    from ci.speed import command

    return command.main(options, console_on(sys.stdout))


JOB = Job(
    name="speed",
    about="Measure implementations side by side, on a GPU.",
    example="speed --impl my_gather.py --runs 5",
    declare=_declare,
    read=lambda given: Options(**vars(given)),
    run=_run,
    extras=lambda options: [extras.NVML, *extras.of_implementations(options.implementation)],
    formerly={"--speed": "speed", "--runs": "speed --runs N"},
)
