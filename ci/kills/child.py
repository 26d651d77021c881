"""Examines subjects of the kill table, one after the other, in a process of its own.

The order: `device`, and `tasks`, each with `subject`, its name; `cases`, ids in their order; and `stop`: `first` at the
first finding, or `never`.

Messages: `{"begun": number}` before each task; `{"case", "seconds", "found", "undecided"}` after each case that it
examined, of which `found` lists rule, what was seen, function and words, and `undecided` is why it could not be
decided, or null; and `{"over": number}` after the task's last case. Seconds are the processor's.
"""

import re
import tempfile
import time
from pathlib import Path
from typing import Any

from ci.kills.others import ROWS
from ci.kills.subjects import SUBJECTS
from ci.processes import serve, tell
from tests.calls.implementations import load_implementation
from tests.cases.case import Case
from tests.contract import Contract
from tests.examine.call import DeviceLost
from tests.examine.choice import reason_to_skip
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.examine.selection import Selection
from tests.plugin.examiner import Examiner

_FOLLOWED = re.compile(r"; so (?!does |are )")
"""In a message: rows are wrong, too. Otherwise it goes on with places and rows that are alike."""


def work(order: dict[str, Any]) -> None:
    """Examine, and tell."""
    from tests.cases.catalogue import catalogue

    known = {case.id: case for case in [*catalogue(), *ROWS]}
    with tempfile.TemporaryDirectory() as folder:
        for number, task in enumerate(order["tasks"]):
            tell(begun=number)
            place = Path(folder) / str(number)
            place.mkdir()
            try:
                _examine(order["device"], task, place, known)
            finally:  # a lost GPU ends this process, and not what is known of the task
                tell(over=number)


def _examine(device: str, task: dict[str, Any], folder: Path, known: dict[str, Case]) -> None:
    subject = SUBJECTS[task["subject"]]
    contract = Contract[subject.contract.upper()]
    selection = Selection(subject.placed(folder), contract, device)
    implementation = load_implementation(selection.implementation)
    with Examiner(implementation, selection) as examiner:
        for case in map(known.__getitem__, task["cases"]):
            is_left_out = reason_to_skip(case, device=device, contract=contract, quick=False) is not None
            if is_left_out or (device == "cpu" and not subject.takes(case)):
                continue
            began = time.process_time()
            try:
                examined = examiner.examine(case)
            except DeviceLost as lost:
                _tell(Examined(case.id, tuple(lost.findings), None if lost.findings else str(lost)), began)
                raise
            _tell(examined, began)
            if examined.findings and task["stop"] == "first":
                return


def _tell(examined: Examined, began: float) -> None:
    seconds = round(time.process_time() - began, 3)
    found = [_told(of) for of in examined.findings]
    tell(case=examined.case, seconds=seconds, found=found, undecided=examined.undecided)


def _told(finding: Finding) -> list[Any]:
    seen = finding.fault.partition(":")[0]
    is_followed = _FOLLOWED.search(finding.message) is not None
    return [int(finding.rule), seen, finding.function, is_followed, finding.message[:200]]


if __name__ == "__main__":
    serve(work)
