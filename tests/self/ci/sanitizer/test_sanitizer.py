"""Does compute-sanitizer's word arrive? Runs that end well and badly, and faults planted on a GPU."""

import json
import time

import pytest

from ci import options
from ci.processes import CannotRun, TookTooLong
from ci.reports.decision import Decision
from ci.sanitizer import command, process
from ci.sanitizer.cases import CHOSEN, chosen_cases
from ci.sanitizer.process import SanitizerReport, launch_child, run_sanitizer
from ci.sanitizer.tools import PROGRAM, TOOLS, find_program
from ci.sanitizer.transcript import Subject
from tests.calls.errors import Foreseen
from tests.cases.catalogue import catalogue
from tests.contract import Contract, Rule
from tests.examine.finding import Finding
from tests.examine.selection import Selection
from tests.planted.faults.reaching import REACHES, TENSORS
from tests.self.ci.sanitizer.outputs import CASE, MARK, access, heard, recorded, transcript_of

CANARY = "\n".join(f"========= {line}" for line in access("Invalid __global__ read of size 1 bytes", "", "canary_x"))
SUMMARY = "========= ERROR SUMMARY: 1 error"
END = MARK + '{"all_done": true}'
STATUS_1, KILLED = CannotRun("the process exited with status 1"), CannotRun("the process was ended by SIGKILL")
SECONDS = 120
"""For a run on a GPU."""


def cases_by_id(ids):
    known = {case.id: case for case in catalogue()}
    return [known[name] for name in ids]


def run_of(text, trouble=None):
    return heard(text), trouble


class FakeChild:
    """Plays recorded children, one after the other."""

    def __init__(self, *runs):
        self.runs = list(runs)
        self.orders = []

    def __call__(self, module, before, order, seconds):
        self.orders.append([tuple(pair) for pair in order["examinations"]])
        return self.runs.pop(0)


def run_fake(*runs, cases=(CASE,), implementations=("own",), timeout=100.0):
    child = FakeChild(*runs)
    clock = iter(float(second) for second in range(1000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "launch_child", child)
        patch.setattr(process, "find_program", lambda: PROGRAM)
        patch.setattr(process.time, "monotonic", lambda: next(clock))
        report = run_sanitizer("memcheck", implementations, Contract.SAFE, cases_by_id(cases), timeout)
    return report, child.orders


def command_line(*arguments):
    _, asked = options.parse(["sanitize", *arguments])
    return command.main(asked, ["./ci/gate"])


def done(*cases, by="own"):
    return "\n".join(MARK + json.dumps({key: case, "implementation": by}) for case in cases for key in ("case", "done"))


def test_a_clean_run():
    report, _ = run_fake(run_of("\n".join([done(CASE), END, CANARY, SUMMARY])))
    assert report.is_clean
    assert report.examined == (Subject("own", CASE),)


def test_a_tool_that_saw_nothing_is_not_trusted():
    report, _ = run_fake(run_of(recorded("memcheck_blind")))
    assert report.findings == ()
    assert report.undecided == ("it did not report the fault that was planted for it",)


def test_a_case_that_ends_the_process_does_not_end_the_run():
    fault = transcript_of(*access("Invalid __global__ write of size 1 bytes", "Access to 0x1008 is out of bounds"))
    first = run_of("\n".join([done("batches/1"), fault, SUMMARY]), STATUS_1)
    second = run_of("\n".join([done("batches/33"), END, CANARY, SUMMARY]))
    report, orders = run_fake(first, second, cases=("batches/1", CASE, "batches/33"))
    assert [finding.case for finding in report.findings] == [CASE]
    everything = [("own", "batches/1"), ("own", CASE), ("own", "batches/33")]
    assert report.examined == tuple(everything)
    assert report.undecided == ()
    assert orders == [everything, everything[2:]]


def test_implementations_share_a_process_until_one_loses_the_gpu():
    fault = access("Invalid __global__ read of size 1 bytes", "Access to 0x1008 is out of bounds")
    ended_kernel = transcript_of(*fault, by="a") + f'\n{MARK}{{"done": "{CASE}", "implementation": "a"}}'
    lost = Finding(Rule(4), CASE, "get_k", "the GPU reported an error", {"device_lost": True}).as_json()
    lost_gpu = f"{transcript_of(by='b')}\n{MARK}{json.dumps({'lost': [lost]})}"
    first = run_of("\n".join([ended_kernel, lost_gpu, SUMMARY]), STATUS_1)
    second = run_of("\n".join([done(CASE, by="c"), END, CANARY, SUMMARY]))
    report, orders = run_fake(first, second, implementations=("a", "b", "c"))
    assert [len(report.findings_on(name)) for name in ("a", "b", "c")] == [1, 1, 0]
    assert "at 1 past the end of buf" in report.findings_on("a")[0].message
    assert report.findings_on("b")[0].message == "the GPU reported an error"
    assert report.undecided == ()
    assert orders == [[("a", CASE), ("b", CASE), ("c", CASE)], [("c", CASE)]]


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (run_of("\n".join([done(CASE), END, SUMMARY])), "did not report the fault that was planted"),
        (run_of("\n".join([done(CASE), END, CANARY])), "ended without a summary"),
        (run_of("========= Error: Device not supported\n", STATUS_1), "Error: Device not supported"),
        (
            run_of(SUMMARY, CannotRun(f"{STATUS_1}: ModuleNotFoundError")),
            f"the examination ended: {STATUS_1}: ModuleNotFoundError",
        ),
        (run_of(f"{transcript_of()}\n{SUMMARY}", KILLED), f"the examination ended in {CASE} of own: {KILLED}"),
        (
            run_of(transcript_of(), TookTooLong("the process was not done after 100 s")),
            f"it was ended after 100 s in {CASE} of own",
        ),
        (
            run_of(
                "\n".join([done(CASE), END, CANARY, SUMMARY, "========= ERROR SUMMARY: 5 errors were not printed."])
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


def test_a_child_under_a_tool_is_heard_with_it_and_ended_with_all_it_started(tmp_path):
    mark = tmp_path / "alive"
    tool = ["sh", "-c", f'(sleep 4; touch {mark}) & echo ========= started; "$@"', "sh"]
    order = [["tell", "under way"], ["sleep", 60]]
    start = time.monotonic()
    said, trouble = launch_child("tests.self.ci.child", tool, order, seconds=2)
    assert time.monotonic() - start < 10
    assert isinstance(trouble, TookTooLong)
    assert [item for item in said if item] == ["========= started", {"value": "under way"}]
    time.sleep(max(0, 4.5 - (time.monotonic() - start)))
    assert not mark.exists()


def test_what_the_tool_says_after_the_process_is_heard():
    tool = ["sh", "-c", '"$@"; echo ========= ERROR SUMMARY: 0 errors', "sh"]
    said, trouble = launch_child("tests.self.ci.child", tool, [["fault", "no"]], seconds=60)
    assert [item for item in said if item] == ["========= ERROR SUMMARY: 0 errors"]
    assert str(trouble) == "RuntimeError: no"


def test_without_the_tool_nothing_is_decided(monkeypatch, capsys):
    monkeypatch.setattr("ci.sanitizer.tools.USUAL_HOME", "/nowhere")
    with pytest.raises(Foreseen, match="compute-sanitizer is not on the PATH"):
        find_program({"PATH": "/nowhere", "CUDA_HOME": "/nowhere"})
    monkeypatch.setattr("ci.sanitizer.process.find_program", lambda: find_program({"PATH": ""}))
    assert command_line("--tool", "memcheck") == Decision.UNDECIDED
    assert capsys.readouterr().out.startswith("UNDECIDED: compute-sanitizer is not on the PATH")


def test_the_report_tells_what_each_tool_found(tmp_path, monkeypatch):
    finding = Finding(Rule.GEOMETRIES, CASE, "get_k", "read past buf", {"implementation": "own"}, "read outside")
    told = {
        "memcheck": SanitizerReport("memcheck", (finding,), (Subject("own", CASE),), (), 2.0),
        "racecheck": SanitizerReport("racecheck", (), (Subject("own", CASE),), ("it saw nothing",), 3.0),
    }
    monkeypatch.setattr(command, "run_sanitizer", lambda tool, *of, **more: told.get(tool, told["racecheck"]))
    path = tmp_path / "sanitizer.json"
    assert command_line("--case", CASE, "--json", str(path)) == Decision.FINDINGS
    report = json.loads(path.read_text())
    assert [(of["tool"], of["rule"], of["fault"]) for of in report["findings"]] == [("memcheck", 9, "read outside")]
    assert report["undecided"][0]["reason"] == "racecheck: it saw nothing"
    assert report["tools"]["memcheck"] == 1


def test_the_tool_is_found_where_cuda_is(tmp_path):
    program = tmp_path / "bin" / PROGRAM
    program.parent.mkdir()
    program.touch(mode=0o755)
    assert find_program({"PATH": "/nowhere", "CUDA_HOME": str(tmp_path)}) == str(program)
    assert find_program({"PATH": str(program.parent)}) == str(program)


def test_an_unknown_tool_is_refused():
    with pytest.raises(ValueError, match="tool: expected one of memcheck, initcheck, racecheck, got 'valgrind'"):
        run_sanitizer("valgrind", ["own"], Contract.SAFE, [], 1.0)


def test_every_pattern_chooses_cases():
    for pattern in CHOSEN:
        assert chosen_cases(Selection(patterns=(pattern,))), pattern
    assert chosen_cases(Selection(patterns=("bad-arguments/*",))) == []
    assert not any(case.needs_gpu or case.heavy for case in chosen_cases(Selection()))


@pytest.fixture
def gpu(device):
    if device != "cuda":
        pytest.skip("needs a GPU: compute-sanitizer watches compiled kernels")


def test_memcheck_names_the_tensor_of_each_byte_past_an_end(gpu):
    specs = {f"tests.planted.faults.reaching:{reach.name}": reach for reach in REACHES}
    report = run_sanitizer("memcheck", list(specs), Contract.SAFE, cases_by_id([CASE]), SECONDS)
    assert report.undecided == ()
    for spec, reach in specs.items():
        name = reach.tensor if reach.tensor in TENSORS[:3] else "a result"
        where = "1 before" if reach.side == "before" else "1 past the end of"
        does = "read" if reach.does == "read" else "wrote"
        assert len(report.findings_on(spec)) == 1, (reach, report)
        (finding,) = report.findings_on(spec)
        assert f"of touch_kernel {does} 1 byte at {where} {name} (" in finding.message
        assert finding.rule == (4 if reach.does == "read" else 7)


@pytest.mark.parametrize(
    ("tool", "implementation", "rule"),
    [("memcheck", "misaligned", 4), ("initcheck", "reads_unwritten", 15), ("racecheck", "races", 8)],
)
def test_what_no_result_shows(tool, implementation, rule, gpu):
    cases = cases_by_id(["batches/3", CASE])
    report = run_sanitizer(tool, [f"tests.planted.faults.hidden:{implementation}"], Contract.SAFE, cases, SECONDS)
    assert [(finding.rule, finding.case) for finding in report.findings] == [(rule, "batches/3"), (rule, CASE)]
    assert report.undecided == ()


@pytest.mark.parametrize("tool", TOOLS)
def test_right_kernels_are_clean(tool, gpu):
    report = run_sanitizer(tool, ["own"], Contract.SAFE, cases_by_id(["batches/3", CASE]), SECONDS)
    assert report.is_clean, (report.findings, report.undecided)
