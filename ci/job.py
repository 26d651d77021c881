"""What a job of the gate is. Needs the standard library only, so that bad usage is told before any set-up."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ci.setup.extras import Extra


@dataclass(frozen=True)
class Job:
    """One job, as the command line sees it. It is declared in `options.py` of the job's folder."""

    name: str
    """The word behind `gate`."""
    about: str
    """What it does, in a sentence."""
    example: str
    """A command line, without the gate's own name."""
    declare: Callable[[argparse.ArgumentParser], None]
    """Adds the job's options to its parser."""
    read: Callable[[argparse.Namespace], Any]
    """Makes the job's own options of what was parsed.

    Raises `argparse.ArgumentTypeError` where they do not go together."""
    run: Callable[[Any, Sequence[str]], int]
    """Does the job by these options, once a Python has what is needed; takes the words that started the gate, and
    returns the exit code."""
    extras: Callable[[Any], Sequence[Extra]] = lambda options: ()
    """What it needs besides the dependencies of all jobs."""
    formerly: Mapping[str, str] = field(default_factory=dict)
    """Options that were once this job, with the words that are to be typed now."""


def add_report(parser: argparse.ArgumentParser) -> None:
    """Declare `--json`."""
    parser.add_argument("--json", dest="report", type=Path, metavar="FILE", help="write the report there")
