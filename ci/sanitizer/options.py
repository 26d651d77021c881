"""The command line of a sanitizer's run. Needs the standard library only: bad usage is told before any set-up."""

import argparse
import math
from pathlib import Path

from ci.sanitizer.tools import TOOLS
from tests.contract import Contract


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `ci.sanitizer.command.main` wants to know."""
    parser.add_argument("--tool", choices=[*TOOLS, "all"], default="all", help="default: each in turn")
    parser.add_argument(
        "--impl",
        action="append",
        help="implementation: own (the default), sglang, torch, PATH.py, or package.module[:name]; may be repeated",
    )
    parser.add_argument("--contract", choices=[c.label for c in Contract], default="strict")
    parser.add_argument("--case", action="append", metavar="PATTERN", help="default: a chosen part of the catalogue")
    parser.add_argument("--timeout", type=_seconds, default=300.0, metavar="S", help="seconds for each tool")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append what was printed, the tool's records included")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"expected seconds, more than 0, not {text!r}")
    return seconds
