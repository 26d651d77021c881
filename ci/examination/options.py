"""The command line of `gate`, or `gate examine`."""

import argparse
from pathlib import Path

from ci.job import Job, add_report
from ci.setup import extras
from tests.examine.selection import Selection, add_options, whole

MOST_WORKERS = 1_024


def _declare(parser: argparse.ArgumentParser) -> None:
    add_options(parser.add_argument)
    add = parser.add_argument
    # Cases run in processes of their own, however few, so that a crash costs one case.
    workers = whole(1, MOST_WORKERS)
    add("-n", "--workers", type=workers, metavar="N", help="processes (default: one a core, or one a GPU)")
    add("--fail-fast", action="store_true", help="stop at the first case that is not clean")
    add("--list", dest="listing", action="store_true", help="list the cases and examine none")
    add("--markdown", type=Path, metavar="FILE", help="write what can be pasted into an issue there")
    add_report(parser)


def _read(given: argparse.Namespace) -> argparse.Namespace:
    given.selection = selection = Selection.from_options(given)
    if given.listing:
        flags = {
            "--json": given.report,
            "--markdown": given.markdown,
            "--fail-fast": given.fail_fast,
            "-n/--workers": given.workers,
        }
        for name in ("impl", "contract", "device", "memory"):
            flags[f"--{name}"] = selection.arguments([f"--{name}"]) != Selection().arguments([f"--{name}"])
        for flag in (flag for flag, is_given in flags.items() if is_given):
            raise argparse.ArgumentTypeError(f"argument {flag}: --list only lists the cases, and examines none")
    return given


JOB = Job(
    name="examine",
    about="Examine an implementation of a paged K/S gather on every case of the catalogue.",
    example="--impl my_gather.py --contract safe --case 'lengths/*'",
    declare=_declare,
    read=_read,
    module="ci.examination.start",
    extras=lambda options: extras.of_implementations(options.selection.implementation),
)
