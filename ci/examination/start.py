"""`gate`, or `gate examine`, with a Python that has all: what takes longest to import begins before the rest."""

from argparse import Namespace
from collections.abc import Sequence

from ci.examination.nursery import Nursery


def main(options: Namespace, start: Sequence[str]) -> int:
    """Examine, or list, what the user asks for, and return the exit code; see `command`."""
    if options.listing or options.selection.implementation == "list":
        from ci.examination.command import show

        return show(options)
    with Nursery(options.selection) as nursery:
        from ci.examination.command import Gate

        return Gate(options, start, nursery).run()
