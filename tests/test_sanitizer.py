"""Does compute-sanitizer's word arrive? Runs that end well and badly, and faults planted on a GPU."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.examine.contract import Contract
from tests.instruments.sanitizer import TOOLS, SanitizerUnavailable, __main__, chosen_cases, run_sanitizer
from tests.instruments.sanitizer.cases import CHOSEN, cases_by_id
from tests.instruments.sanitizer.process import ChildRun, launch_child
from tests.instruments.sanitizer.stream import MARK
from tests.instruments.sanitizer.tools import PROGRAM, find_program
from tests.seeded.faults.outputs import CASE, access, recorded, transcript_of
from tests.seeded.faults.reaching import REACHES, TENSORS

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


def test_a_tool_that_saw_nothing_is_not_trusted():
    report, _ = run_fake(ChildRun(recorded("memcheck_blind"), 0))
    assert report.findings == ()
    assert report.undecided == ("it did not report the fault that was planted for it",)


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
            ChildRun(
                "\n".join([done(CASE), END, CANARY, SUMMARY, "========= ERROR SUMMARY: 5 errors were not printed."]), 0
            ),
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


def test_memcheck_names_the_tensor_of_each_byte_past_an_end(gpu):
    def examine(reach):
        implementation = f"tests.seeded.faults.reaching:{reach.name}"
        return run_sanitizer("memcheck", implementation, Contract.SAFE, cases_by_id([CASE]), 120)

    # More at a time would wait for each other's contexts.
    with ThreadPoolExecutor(4) as pool:
        reports = dict(zip(REACHES, pool.map(examine, REACHES), strict=True))
    for reach, report in reports.items():
        name = reach.tensor if reach.tensor in TENSORS[:3] else "a result"
        where = "1 before" if reach.side == "before" else "1 past the end of"
        does = "read" if reach.does == "read" else "wrote"
        assert len(report.findings) == 1, (reach, report)
        assert f"of touch_kernel {does} 1 byte at {where} {name} (" in report.findings[0].message
        assert report.findings[0].rule == (4 if reach.does == "read" else 7)


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
