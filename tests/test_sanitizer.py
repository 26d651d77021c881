"""Does compute-sanitizer's word arrive? Its output taken apart, runs that end badly, and faults planted on a GPU."""

import json
import shutil
import sys
import time

import pytest

from tests.cases.catalogue import catalogue
from tests.examine.contract import Contract
from tests.inner_pytest import ROOT
from tests.instruments.sanitizer import TOOLS, SanitizerUnavailable, __main__, chosen_cases, run_sanitizer
from tests.instruments.sanitizer.cases import CHOSEN, cases_by_id
from tests.instruments.sanitizer.hazards import Hazard
from tests.instruments.sanitizer.process import ChildRun, launch_child
from tests.instruments.sanitizer.stream import MARK, Mark, Record, take_apart
from tests.instruments.sanitizer.tools import PROGRAM, find_program
from tests.instruments.sanitizer.transcript import Allocation, findings_of, read
from tests.seeded.faults.reaching import REACHES, TENSORS

RECORDED = ROOT / "tests" / "seeded" / "faults" / "recorded"
CASE = "batches/8"
BY_ID = {case.id: case for case in catalogue()}


def recorded(name):
    """Return what a tool and the process under it have printed, on an H100."""
    return (RECORDED / f"{name}.txt").read_text(encoding="utf-8")


def findings(name, tool, contract=Contract.SAFE):
    return findings_of(read(recorded(name)), tool, BY_ID, contract)


def test_a_read_past_the_end():
    (finding,) = findings("memcheck_read_after_buf", "memcheck")
    assert (finding.rule, finding.case, finding.function) == (4, CASE, "get_k_and_s")
    assert finding.message.startswith(
        "memcheck: program (0, 0, 0) of touch_kernel read 1 byte 1 byte past the end of buf, address 0x"
    )
    assert ", in kernels.py line " in finding.message
    assert finding.details["kernel"] == "touch_kernel"
    assert finding.details["tensor"] == "buf"


def test_a_write_before_the_start():
    (finding,) = findings("memcheck_write_before_seq_lens", "memcheck")
    assert finding.rule == 7
    assert "wrote 1 byte 1 byte before seq_lens, address 0x" in finding.message


def test_a_read_of_unwritten_memory():
    (finding,) = findings("initcheck_unwritten", "initcheck")
    assert (finding.rule, finding.function) == (15, "get_k_and_s")
    assert "of unwritten_kernel read 4 bytes that nothing had written at byte 28 of a result" in finding.message
    assert "in hidden.py line " in finding.message


def test_a_race():
    (finding,) = findings("racecheck_races", "racecheck")
    assert finding.rule == 8
    assert "threads of racing_kernel write and write the same shared memory with no barrier between" in finding.message


@pytest.mark.parametrize("tool", TOOLS)
def test_a_clean_run_shows_the_planted_fault_and_nothing_else(tool):
    transcript = read(recorded(f"{tool}_clean"))
    assert transcript.is_trustworthy
    assert transcript.has_summary
    assert transcript.has_ended
    assert transcript.done == [CASE]
    assert findings(f"{tool}_clean", tool) == []
    # What the tool said is all that makes the run trustworthy.
    silent = "\n".join(line for line in recorded(f"{tool}_clean").splitlines() if "canary" not in line)
    assert not read(silent).is_trustworthy
