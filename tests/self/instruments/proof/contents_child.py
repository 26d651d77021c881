"""Asks what the results of `get_s` hold, of implementations in files: a line of rules and answers for each.

It is a process of its own, since kernels that were imported for the interpreter have no IR.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from tests.calls.implementations import load_implementation
from tests.instruments.proof.capture import Setting
from tests.instruments.proof.contents import contents
from tests.instruments.proof.paths import host_paths


def main(files: Sequence[str]) -> None:
    """Ask of each file, on the way through the host's code that a usual call takes."""
    for file in files:
        ways = host_paths(load_implementation(file), "get_s", Setting(), lambda count: None, 1)
        (launches,) = ways.launches.values()
        found = contents(launches, "get_s", asdict(Setting()))
        print(json.dumps([(int(obligation.rule), obligation.answer.value) for obligation in found]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
