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
        "memcheck: program (0, 0, 0) of touch_kernel read 1 byte at 1 past the end of buf (address 0x"
    )
    assert ", in kernels.py line " in finding.message
    assert finding.details["kernel"] == "touch_kernel"
    assert finding.details["tensor"] == "buf"


def test_a_write_before_the_start():
    (finding,) = findings("memcheck_write_before_seq_lens", "memcheck")
    assert finding.rule == 7
    assert "wrote 1 byte at 1 before seq_lens (address 0x" in finding.message


def test_a_read_of_unwritten_memory():
    (finding,) = findings("initcheck_unwritten", "initcheck")
    assert (finding.rule, finding.function) == (15, "get_k_and_s")
    assert "of unwritten_kernel read 4 bytes that nothing had written, at byte 28 of a result" in finding.message
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


def test_lines_of_other_origin_are_no_matter():
    output = f'{MARK}{{"case": "a/b"}}\nhello\n========= Invalid x\n=========     at y\n{MARK}{{"do\n========= \nnoise {MARK}{{"end": true}}'
    assert list(take_apart(output)) == [
        Mark({"case": "a/b"}),
        Record("Invalid x", ("at y",)),
        Mark({"end": True}),
    ]


def test_where_an_address_lies():
    tensor = Allocation("buf", 1_000, 100)
    assert [tensor.place(address) for address in (999, 1_000, 1_099, 1_100, 9_099)] == [
        "1 before buf",
        "byte 0 of buf",
        "byte 99 of buf",
        "1 past the end of buf",
        "8,000 past the end of buf",
    ]
    assert [tensor.distance(address) for address in (990, 1_000, 1_099, 1_100)] == [10, 0, 0, 1]


def transcript_of(*lines):
    """Return the output of a child that examined one case, with the tool's lines in its first call."""
    marks = [{"case": CASE}, {"tensor": "buf", "address": 4096, "size": 8}, {"function": "get_k", "step": "first call"}]
    return "\n".join([*(MARK + json.dumps(m) for m in marks), *(f"========= {line}" for line in lines)])


def access(headline, place, kernel="kernel"):
    return (headline, f"    at {kernel}+0x10 in gather.py:7", "    by thread (1,0,0) in block (2,3,0)", f"    {place}")


@pytest.mark.parametrize(
    ("case", "operation", "rule"),
    [
        ("batches/8", "read", 4),
        ("batches/8", "write", 7),
        ("invalid-pages/minus-one-middle", "read", 11),
        ("disagreement/device-huge", "write", 13),
    ],
)
def test_which_rule_an_access_breaks(case, operation, rule):
    output = transcript_of(
        *access(f"Invalid __global__ {operation} of size 4 bytes", "Access to 0x100c is out of bounds")
    ).replace(CASE, case)
    (finding,) = findings_of(read(output), "memcheck", BY_ID, Contract.STRICT)
    done = {"read": "read", "write": "wrote"}[operation]
    assert (finding.rule, finding.case) == (rule, case)
    assert finding.message == (
        f"memcheck: program (2, 3, 0) of kernel {done} 4 bytes at 5 past the end of buf (address 0x100c), "
        "in gather.py line 7"
    )
    assert findings_of(read(output), "memcheck", BY_ID, Contract.TRUSTING) == ([finding] if rule < 9 else [])


def test_a_misaligned_access():
    output = transcript_of(*access("Invalid __global__ read of size 4 bytes", "Address 0x1002 is misaligned"))
    (finding,) = findings_of(read(output), "memcheck", BY_ID, Contract.SAFE)
    assert "read 4 bytes, misaligned, at byte 2 of buf" in finding.message


def test_torchs_own_kernels_may_compare_what_was_never_written():
    kernel = "void at::native::vectorized_elementwise_kernel<4, at::native::CompareFunctor<unsigned char>>"
    unwritten = access("Uninitialized __global__ memory read of size 4 bytes", "Address 0x1000", kernel)
    assert findings_of(read(transcript_of(*unwritten)), "initcheck", BY_ID, Contract.SAFE) == []
    outside = access("Invalid __global__ read of size 4 bytes", "Access to 0x1008 is out of bounds", kernel)
    assert len(findings_of(read(transcript_of(*outside)), "memcheck", BY_ID, Contract.SAFE)) == 1


def test_one_finding_for_many_threads():
    headline = "Invalid __global__ read of size 4 bytes"
    lines = [line for at in (0x2000, 0x1010, 0x1800) for line in access(headline, f"Access to {at:#x} is out of bounds")]
    (finding,) = findings_of(read(transcript_of(*lines)), "memcheck", BY_ID, Contract.SAFE)
    assert "at 9 past the end of buf" in finding.message
    assert finding.message.endswith("; 3 accesses of this kind")


CANARY = "\n".join(f"========= {line}" for line in access("Invalid __global__ read of size 1 bytes", "", "canary_x"))
SUMMARY = "========= ERROR SUMMARY: 1 error"
END = MARK + '{"end": true}'


class FakeChild:
    """Plays recorded children, one after the other."""

    def __init__(self, *runs):
        self.runs = list(runs)
        self.orders = []

    def __call__(self, tool, order, seconds):
        self.orders.append(json.loads(order)["cases"])
        return self.runs.pop(0)


def run_fake(*runs, cases=(CASE,), timeout=100.0):
    child = FakeChild(*runs)
    clock = iter(float(second) for second in range(1000))
    report = run_sanitizer(
        "memcheck", "own", Contract.SAFE, cases_by_id(cases), timeout, launch=child, clock=lambda: next(clock)
    )
    return report, child.orders


def done(*cases):
    return "\n".join(f'{MARK}{{"case": "{case}"}}\n{MARK}{{"done": "{case}"}}' for case in cases)


def test_a_clean_run():
    report, _ = run_fake(ChildRun("\n".join([done(CASE), END, CANARY, SUMMARY]), 0))
    assert report.is_clean
    assert report.examined == (CASE,)


def test_a_case_that_ends_the_process_does_not_end_the_run():
    fault = transcript_of(*access("Invalid __global__ write of size 1 bytes", "Access to 0x1008 is out of bounds"))
    first = ChildRun("\n".join([done("batches/1"), fault, SUMMARY]), 6)
    second = ChildRun("\n".join([done("batches/33"), END, CANARY, SUMMARY]), 0)
    report, orders = run_fake(first, second, cases=("batches/1", CASE, "batches/33"))
    assert [finding.case for finding in report.findings] == [CASE]
    assert report.examined == ("batches/1", CASE, "batches/33")
    assert report.undecided == ()
    assert orders == [["batches/1", CASE, "batches/33"], ["batches/33"]]


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (ChildRun("\n".join([done(CASE), END, SUMMARY]), 0), "did not report the fault that was planted"),
        (ChildRun("\n".join([done(CASE), END, CANARY]), 0), "ended without a summary"),
        (ChildRun("========= Error: Device not supported\n", 1), "Error: Device not supported"),
        (ChildRun("ModuleNotFoundError: no kernels\n" + SUMMARY, 1), "with status 1: ModuleNotFoundError: no kernels"),
        (ChildRun(f"{transcript_of()}\n{SUMMARY}", -9), f"the examination ended in {CASE} with status -9"),
        (ChildRun(transcript_of(), -9, timed_out=True), f"it was ended after 100 s in {CASE}"),
        (
            ChildRun("\n".join([done(CASE), END, CANARY, SUMMARY, "========= ERROR SUMMARY: 5 errors were not printed."]), 0),
            "5 of its reports were not printed",
        ),
    ],
)
def test_what_cannot_be_decided_is_never_clean(run, reason):
    report, _ = run_fake(run)
    assert not report.is_clean
    assert report.findings == ()
    assert reason in "; ".join(report.undecided)


def test_no_time_and_no_cases_are_never_clean():
    report, orders = run_fake(timeout=0.5)
    assert report.undecided == ("its 0.5 s were over with 1 of 1 cases to go",)
    assert orders == []
    assert run_fake(cases=())[0].undecided == ("no case was chosen",)


def test_a_child_that_hangs_is_ended_with_all_it_started(tmp_path):
    mark = tmp_path / "alive"
    script = f"(sleep 5; touch {mark}) & echo started; sleep 60"
    start = time.monotonic()
    run = launch_child(["sh", "-c", script], "{}", timeout=1)
    assert time.monotonic() - start < 4
    assert run.timed_out
    assert run.output == "started\n"
    time.sleep(max(0, 5.5 - (time.monotonic() - start)))
    assert not mark.exists()


def test_without_the_tool_nothing_is_decided(monkeypatch, capsys):
    with pytest.raises(SanitizerUnavailable, match="compute-sanitizer is not on the PATH"):
        find_program({"PATH": "/nowhere", "CUDA_HOME": "/nowhere"})
    monkeypatch.setattr("tests.instruments.sanitizer.process.find_program", lambda: find_program({"PATH": ""}))
    if not shutil.which(PROGRAM, path="/usr/local/cuda/bin"):
        assert __main__.main(["--tool", "memcheck"]) == __main__.UNDECIDED
        assert "memcheck: could not decide: compute-sanitizer is not on the PATH" in capsys.readouterr().err


def test_an_unknown_tool_is_refused():
    with pytest.raises(ValueError, match="tool: expected one of memcheck, initcheck, racecheck, got 'valgrind'"):
        run_sanitizer("valgrind", "own", Contract.SAFE, [], 1.0)


def test_every_pattern_chooses_cases():
    for pattern in CHOSEN:
        assert chosen_cases([pattern]), pattern
    assert chosen_cases(["bad-arguments/*"]) == []
    assert not any(case.needs_gpu or case.heavy for case in chosen_cases())


@pytest.fixture
def gpu(device):
    if device != "cuda":
        pytest.skip("needs a GPU: compute-sanitizer watches compiled kernels")


@pytest.mark.parametrize("reach", REACHES, ids=lambda reach: reach.name)
def test_memcheck_names_the_tensor_of_each_byte_past_an_end(reach, gpu):
    implementation = f"tests.seeded.faults.reaching:{reach.name}"
    report = run_sanitizer("memcheck", implementation, Contract.SAFE, cases_by_id([CASE]), 120)
    name = reach.tensor if reach.tensor in TENSORS[:3] else "a result"
    where = "1 before" if reach.side == "before" else "1 past the end of"
    (finding,) = report.findings
    assert f"of touch_kernel {'read' if reach.does == 'read' else 'wrote'} 1 byte at {where} {name} (" in finding.message
    assert finding.rule == (4 if reach.does == "read" else 7)


@pytest.mark.parametrize(
    ("tool", "implementation", "rule"),
    [("initcheck", "reads_unwritten", 15), ("racecheck", "races", 8)],
)
def test_what_no_result_shows(tool, implementation, rule, gpu):
    report = run_sanitizer(
        tool, f"tests.seeded.faults.hidden:{implementation}", Contract.SAFE, cases_by_id(["batches/3", CASE]), 120
    )
    assert [(finding.rule, finding.case) for finding in report.findings] == [(rule, "batches/3"), (rule, CASE)]
    assert report.undecided == ()


@pytest.mark.parametrize("tool", TOOLS)
def test_right_kernels_are_clean(tool, gpu):
    report = run_sanitizer(tool, "own", Contract.SAFE, cases_by_id(["batches/3", CASE]), 120)
    assert report.is_clean, (report.findings, report.undecided)
