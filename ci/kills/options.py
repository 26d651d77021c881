"""The command line of `gate kills`."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from ci.job import Job, add_report
from tests.examine.selection import add_options, whole

MOST_WORKERS = 512


@dataclass(frozen=True)
class Options:
    """What the user asks for."""

    device: str
    """`auto`, `cpu` or `cuda`."""
    bugs: tuple[str, ...]
    """Patterns of `style/name`; none for all."""
    first_only: bool
    """Whether each bug stops at its first finding, without the matrix of cases and bugs."""
    workers: int
    """Processes; 0 for one a core."""
    markdown: Path | None
    report: Path | None


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


def _read(given: argparse.Namespace) -> Options:
    return Options(**{**vars(given), "bugs": tuple(given.bugs)})


JOB = Job(
    name="kills",
    about="Examine all planted bugs and all correct styles: what is caught, by which cases and checks, how soon?",
    example="kills --bug 'flat/*' --first-only",
    declare=_declare,
    read=_read,
    module="ci.kills.command",
)
