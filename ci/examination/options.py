"""The command line of `gate`, or `gate examine`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.job import Job, add_report
from ci.setup import extras
from tests.examine.selection import Selection, add_options, whole

MOST_WORKERS = 1_024


@dataclass(frozen=True)
class Options:
    """What the user asks for."""

    selection: Selection
    fail_fast: bool
    workers: int | None
    """Processes to examine in, or None for one a core or a GPU."""
    report: Path | None
    """Where the JSON report goes, if anywhere."""
    listing: bool
    """Whether to list the cases and examine none."""


def _declare(parser: argparse.ArgumentParser) -> None:
    add_options(parser.add_argument)
    add = parser.add_argument
    # Cases run in processes of their own, however few, so that a crash costs one case.
    workers = whole(1, MOST_WORKERS)
    add("-n", "--workers", type=workers, metavar="N", help="processes (default: one a core, or one a GPU)")
    add("--fail-fast", action="store_true", help="stop at the first case that is not clean")
    add("--list", dest="listing", action="store_true", help="list the cases and examine none")
    add_report(parser)


def _read(given: argparse.Namespace) -> Options:
    selection = Selection.from_options(given)
    if given.listing:
        flags = {"--json": given.report, "--fail-fast": given.fail_fast, "-n/--workers": given.workers}
        for name in ("impl", "contract", "device", "memory"):
            flags[f"--{name}"] = selection.arguments([f"--{name}"]) != Selection().arguments([f"--{name}"])
        for flag in (flag for flag, is_given in flags.items() if is_given):
            raise argparse.ArgumentTypeError(f"argument {flag}: --list only lists the cases, and examines none")
    return Options(selection, given.fail_fast, given.workers, given.report, given.listing)


def _run(options: Options, start: Sequence[str]) -> int:
    from ci.examination import command

    return command.main(options, start)


JOB = Job(
    name="examine",
    about="Examine an implementation of a paged K/S gather on every case of the catalogue.",
    example="--impl my_gather.py --contract safe --case 'lengths/*'",
    declare=_declare,
    read=_read,
    run=_run,
    extras=lambda options: extras.of_implementations(options.selection.implementation),
)
