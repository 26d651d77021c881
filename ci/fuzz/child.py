"""Draws and examines cases, in a process of its own.

The order: `selection`, as JSON, `seconds`, `seed`, and `row`, or None. Messages: `{"step", "done", "of"}` now and then;
`{"row", "findings"}` of the smallest case that breaks a rule; at the end `{"examined", "undecided"}`.
"""

from typing import Any

from ci.fuzz.search import Search
from ci.processes import serve, tell
from tests.calls.implementations import load_implementation
from tests.examine.selection import Selection
from tests.plugin.devices import choose_device


def work(order: dict[str, Any]) -> None:
    """Draw until something is found, or until the time is up."""
    from dataclasses import replace

    selection = Selection.from_json(order["selection"])
    selection = replace(selection, device=choose_device(selection.device))
    implementation = load_implementation(selection.implementation)
    from tests.plugin.examiner import Examiner

    with Examiner(implementation, selection) as examiner:
        search = Search(examiner, order["seconds"], lambda count: tell(step="cases", done=count, of=0))
        found = search.of_row(order["row"]) if order["row"] else search.run(order["seed"])
    if found is not None:
        tell(row=found.row, findings=[finding.as_json() for finding in found.findings])
    tell(examined=search.examined, undecided=search.undecided)


if __name__ == "__main__":
    serve(work)
