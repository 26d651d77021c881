"""The process that examines cases again: its order, in JSON, comes on standard input; see `fresh_process`."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.calls.implementations import load_implementation
from tests.examine.choice import chosen_cases
from tests.examine.selection import Selection
from tests.plugin import containment, devices
from tests.plugin.examiner import Examiner


def main(order: dict[str, Any]) -> None:
    """Carry out an order, and write the answer."""
    containment.end_with_parent()
    sys.path[:] = order["path"]
    selection = Selection.from_json(order["selection"])
    devices.choose_device(selection.device)
    cases = {case.id: case for case in chosen_cases(selection)}
    with Examiner(load_implementation(selection.implementation), selection) as examiner:
        for case in order["cases"]:
            examined = examiner.examine(cases[case])
    unfinished = Path(order["answer"] + ".new")
    unfinished.write_text(json.dumps(examined.as_json()), encoding="utf-8")
    unfinished.replace(order["answer"])


if __name__ == "__main__":
    main(json.load(sys.stdin))
    sys.stderr.flush()
    os._exit(0)  # whatever examined code does at exit is not the question
