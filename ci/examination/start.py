"""`gate`, or `gate examine`, with a Python that has all: what takes longest to import begins before the rest."""

from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread

from ci.examination.nursery import Nursery
from tests.calls.errors import Foreseen


def main(options: Namespace, start: Sequence[str]) -> int:
    """Examine, or list, what the user asks for, and return the exit code; see `command`."""
    if options.listing or options.selection.implementation == "list":
        from ci.examination.command import show

        return show(options)
    with Nursery(options.selection) as nursery:
        if options.selection.device != "cpu":
            # The driver's answer, which is kept, takes as long as the imports that go on meanwhile.
            Thread(target=_ask_driver, daemon=True).start()
        from ci.examination.command import Gate

        return Gate(options, start, nursery).run()


def _ask_driver() -> None:
    from tests.plugin.devices import gpu_count  # the process that takes longest has begun

    with suppress(Foreseen):  # whoever needs the answer asks again
        gpu_count()
