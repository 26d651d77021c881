"""What a job of the gate is. Needs the standard library only, so that bad usage is told before any set-up."""

import argparse
import importlib
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
    module: str
    """What does the job: its `main(options, start)` takes the job's options and the words that started the gate, and
    returns the exit code. By name, because it may import what only a set-up brings."""
    read: Callable[[argparse.Namespace], Any] = lambda given: given
    """Makes the job's own options of what was parsed.

    Raises `argparse.ArgumentTypeError` where they do not go together."""
    extras: Callable[[Any], Sequence[Extra]] = lambda options: ()
    """What it needs besides the dependencies of all jobs."""
    formerly: Mapping[str, str] = field(default_factory=dict)
    """Options that were once this job, with the words that are to be typed now."""

    def run(self, options: Any, start: Sequence[str]) -> int:
        """Do the job, once a Python has what is needed, and return the exit code."""
        return int(importlib.import_module(self.module).main(options, start))


def add_report(parser: argparse.ArgumentParser) -> None:
    """Declare `--json`."""
    parser.add_argument("--json", dest="report", type=Path, metavar="FILE", help="write the report there")
