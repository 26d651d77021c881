"""The command line of `gate sanitize`."""

import argparse
from pathlib import Path

from ci.job import Job, add_report
from ci.sanitizer.tools import TOOLS
from ci.setup import extras
from tests.examine.replay import SANITIZER_FLAGS
from tests.examine.selection import OPTIONS, Selection, add_options, seconds


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tool", choices=[*TOOLS, "all"], default="all", help="default: each in turn")
    text = f"{OPTIONS['--impl']['help']}; repeatable"
    parser.add_argument("--impl", dest="implementations", action="append", default=[], metavar="NAME", help=text)
    add_options(parser.add_argument, *(flag for flag in SANITIZER_FLAGS if flag != "--impl"))
    parser.add_argument("--timeout", type=seconds, default=300.0, metavar="S", help="seconds for each tool")
    add_report(parser)
    parser.add_argument("--log", type=Path, metavar="FILE", help="append what was printed, the tool's records included")


def _read(given: argparse.Namespace) -> argparse.Namespace:
    given.tools = tuple(TOOLS) if given.tool == "all" else (given.tool,)
    given.implementations = tuple(given.implementations) or ("own",)
    given.selection = Selection.from_options(given)
    return given


JOB = Job(
    name="sanitize",
    about="Run compute-sanitizer's tools over cases, on a GPU, and say what they found.",
    example="sanitize --tool memcheck --impl my_gather.py",
    declare=_declare,
    read=_read,
    module="ci.sanitizer.command",
    extras=lambda options: extras.of_implementations(*options.implementations),
)
