"""What `./ci/gate prove` says of planted bugs and of right kernels in other styles, and whether its rows fail.

`python -m tests.self.ci.prove.planted [NAME ...]` asks anew and writes `tests/instruments/proof/planted.json`.
It takes minutes of a core for each.
"""

import json
import os
import queue
import re
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    os.environ["TRITON_INTERPRET"] = "1"  # rows are examined here; who proves is a process of its own

from ci.prove.command import prove
from ci.prove.options import PRODUCTION
from ci.prove.outcome import Proof
from ci.prove.rows import row_of
from ci.reports.progress import Steps
from tests import ROOT
from tests.calls.implementations import load_implementation
from tests.cases.case import Case
from tests.cases.catalogue import catalogue
from tests.contract import Contract
from tests.examine.finding import Finding
from tests.examine.selection import Selection
from tests.instruments.proof.answers import Answer
from tests.planted.bugs import BUGS as SEEN_BY_CASES
from tests.planted.classes import PLANTED as BUGS
from tests.planted.edits import Change
from tests.planted.gathers import STYLES
from tests.planted.odd import styles
from tests.planted.odd.styles import BASE
from tests.plugin.examiner import Examiner
from tests.self.consoles import console

TABLE = ROOT / "tests" / "instruments" / "proof" / "planted.json"
WAYS = 6
"""Ways through the host's code: the others launch code for arguments past 2^31."""
MOST_ROWS = 3
"""Rows of an implementation that are examined."""
ODD = ("AUTOTUNED", "HEURISTICS", "PERSISTENT", "BLOCK_POINTERS", "SCALAR_LOOP", "ONE_ALLOCATION", "DEVICE_GUARD")
_UNDEFINED = ("undefined-lanes-summed", "page-entry-of-undefined-lanes-used")
RIGHT = {
    **{f"right/{style.name}": style for style in STYLES.values()},
    **{f"right/{name.lower()}": Change(name=name.lower(), path=BASE, edits=getattr(styles, name)) for name in ODD},
}
WRONG = {bug.id: bug for bug in BUGS if bug.kind in ("bounds", "overflow") or bug.name in _UNDEFINED}
PLANTED: dict[str, Any] = {**RIGHT, **WRONG}
SETTINGS: dict[str, dict[str, Any]] = {
    "head-dim-fixed-in-the-result": {"index_head_dim": 64},
    "page-compared-in-32-bits": {"table_dtype": "int64"},
    "int64-table-cut-to-32-bits": {"table_dtype": "int64"},
}
"""Of bugs that mean nothing in production's setting, one in which they do."""
STAYS_INSIDE = {
    "int64-table-cut-to-32-bits": "the page number that is cut is the one that is compared with the pool's pages",
    "invalid-page-clamped": "a page number that is clamped to the pool names a page of the pool",
    "key-offset-in-unsigned-32-bits": "an offset that wraps in unsigned 32 bits is no larger, and not negative",
    "minus-one-counts-from-the-end": "the page number is compared with the pool's pages after the pages are added",
    "one-invalid-page-empties-its-block": "less is read and written than in the right kernel, and nothing else",
    "page-number-in-16-bits": "the page number that is cut is the one that is compared with the pool's pages",
    "page-offset-in-33-bits": "an offset that wraps in unsigned 33 bits is no larger, and not negative",
    "page-offset-in-unsigned-32-bits": "an offset that wraps in unsigned 32 bits is no larger, and not negative",
    "slot-around-the-top": "the slot wraps around the top of 32 bits and back: it is what it was",
    "table-row-in-31-bits": "a row's offset that is cut to 31 bits is no larger, and not negative",
    "wrap-that-lands-in-the-pool": "the page number that has wrapped is the one that is compared with the pool's pages",
}
"""Of bugs that touch nothing outside, why. That rows are wrong, or a wrap is no good, is for the catalogue to see."""
_FIRST_SEEN = json.loads((ROOT / "tests" / "planted" / "kills_cpu.json").read_text(encoding="utf-8"))["bugs"]
_DECLARED = {f"tile/{bug.name}": bug.cases for bug in SEEN_BY_CASES}
_LEAVES = re.compile(r" leaves | before the start of | past the end of | is undefined")
"""In messages of the examination: memory is left, or what is undefined decides something."""
_MARK = "answer: "


def asked(name: str, folder: Path) -> dict[str, Any]:
    """Return what is said of one that is planted.

    Returns:
        The answer; `wild`, whether the examination sees memory left; how many `rows` were printed, and how many of them
        are `failing`. Where that is not all, `setting`: other than production's; `why`: nothing is decided; and
        `stays_inside`: why it is no wonder that a bug is proved.
    """
    path = folder / f"prove_{re.sub(r'[^a-z0-9]', '_', name)}.py"
    path.write_text(PLANTED[name].source(), encoding="utf-8")
    bug = name.partition("/")[2]
    setting = SETTINGS.get(bug, {}) if name in WRONG else {}
    named = {"functions": ["get_k_and_s"], "everywhere": False, "paths": WAYS, **PRODUCTION, **setting, "rules": []}
    options = Namespace(implementation=str(path), **named)
    with Steps(console()[0], 0.0) as steps:
        proofs = prove(options, steps)
    rows = rows_of(proofs)[:MOST_ROWS]
    failing = sum(bool(findings(path, case_of(row))) for row in rows)
    seen = [found.message for case in catalogue() if case.id in cases_of(name) for found in findings(path, case)]
    is_wild = any(map(_LEAVES.search, seen))
    answer = answer_of(proofs)
    told: dict[str, Any] = {"answer": answer.value, "wild": is_wild, "rows": len(rows), "failing": failing}
    if setting:
        told["setting"] = setting
    if answer is Answer.NOT_DECIDED:
        told["why"] = why_open(proofs)
    if answer is Answer.PROVED and name in WRONG:
        told["stays_inside"] = STAYS_INSIDE.get(bug, "")
    return told


def cases_of(name: str) -> set[str]:
    """Return the cases that a bug is looked at on: those that it is planted for, and the first that shows it."""
    first = [_FIRST_SEEN[name]["first"]] if name in _FIRST_SEEN else []
    return {*_DECLARED.get(name, ()), *first}


def why_open(proofs: Sequence[Proof]) -> str:
    """Return why something is not decided on the ways that were followed, in the first sentence."""
    reasons = [f"there is no model of {what}" for proof in proofs for what in proof.host.get("unmodelled", {})]
    reasons += [
        verdict.reason
        for proof in proofs
        for variant in proof.variants
        for verdict in variant
        if verdict.answer is Answer.NOT_DECIDED
    ]
    return reasons[0]


def answer_of(proofs: Sequence[Proof]) -> Answer:
    """Return what all answers come to, on the ways that were followed."""
    answers = {verdict.answer for proof in proofs for variant in proof.variants for verdict in variant}
    if Answer.REFUTED in answers:
        return Answer.REFUTED
    is_open = Answer.NOT_DECIDED in answers or any(proof.host.get("unmodelled") for proof in proofs)
    return Answer.NOT_DECIDED if is_open else Answer.PROVED


def rows_of(proofs: Sequence[Proof]) -> list[str]:
    """Return the rows that are printed of what is refuted."""
    rows = (
        row_of(verdict.candidates[0], verdict.rule, proof.function)
        for proof in proofs
        for variant in proof.variants
        for verdict in variant
        if verdict.answer is Answer.REFUTED and verdict.candidates
    )
    return list(dict.fromkeys(filter(None, rows)))


def case_of(row: str) -> Case:
    """Return the case that a pasted row is."""
    (case,) = eval(f"[{row}]", {"Case": Case})
    return case


def findings(path: Path, case: Case) -> Sequence[Finding]:
    """Examine an implementation on a case, on the interpreter."""
    selection = Selection(implementation=str(path), device="cpu")
    with Examiner(load_implementation(str(path)), selection) as examiner:
        return examiner.examine(case, contract=Contract.STRICT).findings


def summed_up(table: Mapping[str, Mapping[str, Any]]) -> tuple[Counter[str], Counter[str], float]:
    """Return how many right kernels, and how many bugs, have which answer; and which share of leaks is shown.

    That share is of the bugs of bounds and overflow that the examination sees leave memory, whatever is said of them:
    those that are refuted, with a row that fails.
    """
    right, wrong = (
        Counter(seen["answer"] for name, seen in table.items() if name in group) for group in (RIGHT, WRONG)
    )
    leaks = [seen for name, seen in table.items() if name in WRONG and not name.endswith(_UNDEFINED) and seen["wild"]]
    shown = [seen for seen in leaks if seen["answer"] == Answer.REFUTED.value and seen["failing"]]
    return right, wrong, len(shown) / max(len(leaks), 1)


def main(names: Sequence[str]) -> int:
    """Ask about what is named, all by default, a process of one core for each, and write the table as answers come."""
    if len(names) == 1:
        with tempfile.TemporaryDirectory() as folder:
            print(_MARK + json.dumps(asked(names[0], Path(folder))), flush=True)
        return 0
    table = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() and names else {}
    cores: queue.SimpleQueue[int] = queue.SimpleQueue()
    for core in os.sched_getaffinity(0):
        cores.put(core)

    def ask(name: str) -> None:
        core = cores.get()
        command = ["taskset", "-c", str(core), sys.executable, "-m", __spec__.name, name]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        cores.put(core)
        told = [line.removeprefix(_MARK) for line in done.stdout.splitlines() if line.startswith(_MARK)]
        if not told:
            print(f"{name}: {done.stderr[-500:]}", flush=True)
            return
        table[name] = json.loads(told[0])
        print(name, table[name], flush=True)
        TABLE.write_text(json.dumps(dict(sorted(table.items())), indent=1) + "\n", encoding="utf-8")

    with ThreadPoolExecutor(cores.qsize()) as pool:
        list(pool.map(ask, names or PLANTED))
    right, wrong, share = summed_up(table)
    print(f"right: {dict(right)}; bugs: {dict(wrong)}; leaks shown by a row that fails: {share:.0%}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
