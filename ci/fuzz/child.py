"""Draws cases and has them examined, in a process of its own.

The order: `selection`, as JSON, whose device is `cpu` or `cuda`; `seconds`, `seed`; `trace`, a file; and `row`, or
None. Messages: `{"step", "done", "of"}` after each case; `{"row", "findings"}` of the smallest case that breaks a rule;
at the end `{"undecided"}`, a list of `case`, which is a row, `reason`, and the `count` of such rows.
"""

from pathlib import Path
from typing import Any

from ci.fuzz.apart import Apart
from ci.fuzz.search import Search
from ci.processes import serve, tell
from tests.cases.rows import of_row
from tests.examine.selection import Selection


def work(order: dict[str, Any]) -> None:
    """Draw until something is found, or until the time is up."""
    selection = Selection.from_json(order["selection"])
    with Apart(selection, Path(order["trace"])) as examiner:
        search = Search(examiner, selection, order["seconds"], lambda count: tell(step="cases", done=count, of=0))
        found = search.of_row(of_row(order["row"])) if order["row"] else search.run(order["seed"])
    if found is not None:
        tell(row=found.row, findings=[finding.as_json() for finding in found.findings])
    tell(undecided=[of.as_json() for of in search.undecided.values()])


if __name__ == "__main__":
    serve(work)
