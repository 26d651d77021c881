"""The command line of `gate fuzz`."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from ci.job import Job, add_report
from ci.setup import extras
from tests.examine.selection import Selection, add_options, whole

_FLAGS = ("--impl", "--contract", "--device", "--memory")
MOST_MINUTES = 7 * 24 * 60


@dataclass(frozen=True)
class Options:
    """What the user asks for."""

    selection: Selection
    minutes: int
    seed: int
    row: str | None
    """A row of an earlier run, which alone is examined."""
    report: Path | None


def _declare(parser: argparse.ArgumentParser) -> None:
    add_options(parser.add_argument, *_FLAGS)
    parser.add_argument(
        "--minutes", type=whole(1, MOST_MINUTES), default=5, metavar="N", help="how long (default: %(default)s)"
    )
    parser.add_argument("--seed", type=whole(0, 2**31), default=0, metavar="N", help="of what is drawn")
    parser.add_argument("--row", metavar="ROW", help="examine this row alone, as an earlier run printed it")
    add_report(parser)


def _read(given: argparse.Namespace) -> Options:
    return Options(Selection.from_options(given), given.minutes, given.seed, given.row, given.report)


JOB = Job(
    name="fuzz",
    about="Draw calls of every kind, and sequences of them, and make the smallest that breaks a rule a row to paste.",
    example="fuzz --minutes 5 --impl my_gather.py",
    declare=_declare,
    read=_read,
    module="ci.fuzz.command",
    extras=lambda options: extras.of_implementations(options.selection.implementation),
)
