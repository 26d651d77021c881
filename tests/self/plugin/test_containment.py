"""Does one crash cost one test? Workers that crash, hang, lose their GPU or die between tests, and who is blamed."""

import json
from collections import Counter

import pytest

from tests.cases.seeds import random_cases
from tests.contract import Rule
from tests.examine.finding import Finding
from tests.planted.faults import deadly
from tests.plugin import post_mortem
from tests.plugin.post_mortem import Remains, innermost_frames, judge
from tests.self.inner_pytest import run_pytest

CASES = 90
FEW_CASES = 40
TIMEOUT = 12
"""Seconds that a case may take: much more than any needs on a busy machine, little enough to wait for."""
FAULTS = {
    "cpu": {
        "segmentation fault": "was ended by SIGSEGV during the first call, in string_at",
        "abort": "was ended by SIGABRT during the first call, in get_k_and_s (deadly.py",
        "exit": "exited with status 3 during the first call",
        "hang": f"hung, and was ended after {TIMEOUT} s during the first call, in <lambda> (deadly.py",
        "busy hang": f"hung, and was ended after {TIMEOUT} s during the first call, in ",
        "loop": f"hung, and was ended after {TIMEOUT} s during the first call, in _loop (deadly.py",
        "deaf hang": f"hung, and was ended after {TIMEOUT} s during the first call",
        "system exit": "raised SystemExit: 3",
    },
    "cuda": {
        "illegal access": "the GPU reported AcceleratorError: CUDA error: an illegal memory access",
        "misaligned access": "the GPU reported AcceleratorError: CUDA error: misaligned address",
        "segmentation fault": "was ended by SIGSEGV during the first call, in string_at",
        "endless kernel": f"hung, and was ended after {TIMEOUT} s during the first call",
        "abort": "was ended by SIGABRT during the first call, in get_k_and_s (deadly.py",
        "illegal access again": "the GPU reported AcceleratorError: CUDA error: an illegal memory access",
    },
}
"""What is planted in a run, and what the finding has to say."""


def planted(faults, count):
    """Return which of `count` cases each fault is planted in, and the environment that plants them."""
    cases = random_cases(0, count)
    signatures = {
        case.id: deadly.signature(case.seq_len_sum, case.max_seq_len, case.page_size, case.index_head_dim)
        for case in cases
    }
    alike = Counter(signatures.values())
    # A heavy case that is ended when its time is up may only have been slow.
    alone = [case for case in cases if alike[signatures[case.id]] == 1 and case.seq_len_sum and not case.heavy]
    # The lighter half: those that run first, and that a busy machine does not take long for.
    light = [case.id for case in sorted(alone, key=lambda case: case.seq_len_sum)[: len(alone) // 2]]
    chosen = {fault: light[(2 * i + 1) * len(light) // (2 * len(faults))] for i, fault in enumerate(faults)}
    calls = {signatures[case]: fault.removesuffix(" again") for fault, case in chosen.items()}
    return chosen, {deadly.CALLS: json.dumps(calls)}


def run_with(faults, device, tmp_path, *more, count=FEW_CASES):
    """Examine cheap cases on two workers, with faults planted in some."""
    chosen, environment = planted(faults, count)
    run = run_pytest(
        *("tests/test_values.py", "-n", "2", "-q", "--impl", "tests.planted.faults.deadly", "--contract", "safe"),
        *("--device", device, "--memory", "red-zones", "--case", "seeds/*", "--seeds", str(count)),
        *("--case-timeout", str(TIMEOUT), *more),
        folder=tmp_path,
        environment=environment,
    )
    return chosen, run


def test_each_crash_costs_one_case(device, tmp_path, record_property):
    faults = FAULTS[device]
    chosen, run = run_with(faults, device, tmp_path, count=CASES)
    record_property("seconds", run.seconds)
    assert run.status == pytest.ExitCode.TESTS_FAILED, run.output
    assert len(run.verdicts) == CASES
    for fault, case in chosen.items():
        verdict = run.verdicts[case]
        assert verdict.outcome == "failed"
        assert [finding.case for finding in verdict.findings] == [case], verdict.text
        finding = verdict.findings[0]
        assert finding.function == "get_k_and_s"
        assert faults[fault] in finding.message
        assert str(finding) in verdict.text
    others = {name: verdict for name, verdict in run.verdicts.items() if name not in chosen.values()}
    assert {name: verdict.text for name, verdict in others.items() if verdict.outcome != "passed"} == {}


def test_a_death_between_tests_costs_no_test(tmp_path):
    chosen, run = run_with(["late abort"], "cpu", tmp_path)
    case = chosen["late abort"]
    assert len(run.verdicts) == FEW_CASES
    failed = {name: verdict for name, verdict in run.verdicts.items() if verdict.outcome != "passed"}
    assert list(failed) == [case]
    assert "ended by SIGABRT after this test and before the next" in failed[case].text
    # Which test did the damage is not known, so nothing is said about the implementation.
    assert failed[case].findings == ()
    reports = [report for report in run.reports if report["nodeid"].endswith(f"[{case}]")]
    assert [report["outcome"] for report in reports if report["when"] == "call"] == ["passed"]


def test_crashes_count_towards_maxfail(tmp_path):
    _, run = run_with(["segmentation fault"], "cpu", tmp_path, "-x")
    assert run.status != 0
    assert len(run.verdicts) < FEW_CASES
    assert sum(verdict.outcome == "failed" for verdict in run.verdicts.values()) == 1


def test_an_implementation_that_cannot_be_loaded_ends_the_run(tmp_path):
    deadly_import = tmp_path / "deadly_import.py"
    deadly_import.write_text("import ctypes\nctypes.string_at(0)\n")
    run = run_pytest(
        *("tests/test_values.py", "-n", "2", "--impl", str(deadly_import), "--device", "cpu", "--case", "seeds/*"),
        folder=tmp_path,
    )
    assert run.status == pytest.ExitCode.INTERNAL_ERROR
    assert "3 workers in a row died before they had finished a test: the process was ended by SIGSEGV" in run.output
    assert sum(len(verdict.findings) for verdict in run.verdicts.values()) == 0


TRACE = {
    "nodeid": "tests/test_x.py::test_x[family/name]",
    "is_running": True,
    "began": 0.0,
    "completed": 4,
    "case": "family/name",
    "rules": [12],
    "weight": 100,
    "is_heavy": False,
    "function": "get_k",
    "step": "first call",
    "findings": [],
}
STACK = """Current thread 0x00007f (most recent call first):
  File "/lib/ctypes/__init__.py", line 519 in string_at
  File "/home/user/kernels/wild.py", line 7 in get_k
  File "/repo/tests/examine/call.py", line 197 in call
  File "/repo/tests/examine/examination.py", line 140 in run
"""


def remains(status, stacks="", *, is_late=False, paces=None, **changes):
    return Remains(status, {**TRACE, **changes}, stacks, is_late, paces or {})


def found(death):
    assert death.examined is not None
    return death.examined.findings


@pytest.mark.parametrize(
    ("status", "is_late", "message"),
    [
        (-11, False, "the process was ended by SIGSEGV during the first call"),
        (-63, False, "the process was ended by signal 63 during the first call"),
        (-14, True, "the process hung, and was ended after 30 s during the first call"),
        # Whatever ends it in the end, its time was up.
        (-9, True, "the process hung, and was ended after 30 s during the first call"),
        (-11, True, "the process hung, and was ended after 30 s during the first call"),
        (-14, False, "the process was ended by SIGALRM during the first call"),
        (70, False, "the process exited with status 70 during the first call"),
        (None, False, "the process ended during the first call"),
    ],
)
def test_how_a_process_ended(status, is_late, message):
    death = judge(remains(status, is_late=is_late), timeout=30)
    assert death.blamed == TRACE["nodeid"]
    ending = message.partition(" during ")[0]
    details = {"status": status, "frames": []}
    assert found(death) == (Finding(Rule(12), "family/name", "get_k", message, details, ending),)
    assert death.message == str(found(death)[0])
    assert not death.is_idle


def test_a_finding_left_behind_is_the_finding():
    finding = Finding(Rule(11), "family/name", "get_s", "the GPU reported something", {"device_lost": True})
    death = judge(remains(70, findings=[finding.as_json()]), timeout=30)
    assert found(death) == (finding,)


def test_a_crash_keeps_what_was_found_before_it():
    finding = Finding(Rule(4), "family/name", "get_s", "one of 12 rows is wrong")
    death = judge(remains(-11, findings=[finding.as_json()]), timeout=30)
    assert [of.rule for of in found(death)] == [4, 12]
    late = judge(remains(-14, findings=[finding.as_json()], is_late=True, is_heavy=True), timeout=30)
    assert found(late) == (finding,)
    assert late.examined is not None
    assert late.examined.undecided


@pytest.mark.parametrize(
    ("weight", "is_heavy", "paces", "told"),
    [
        (100, False, {"family": 0.001}, None),
        (100, False, {"family": 1.0}, "about 100 s"),
        (100_000, False, {"family": 0.001}, "about 100 s"),
        (100_000, False, {"family": 0.00001}, None),
        (100_000, True, {"family": 0.00001}, "about 1 s"),
        # By cases of other families, or, where none was right, by what is usual.
        (100_000, False, {"other": 0.001}, "about 100 s"),
        (100, False, {"other": 0.001}, None),
        (100_000, False, {}, "about 500 s"),
        (100, False, {}, None),
    ],
)
def test_slow_is_not_hung(weight, is_heavy, paces, told):
    examined = judge(remains(-14, is_late=True, weight=weight, is_heavy=is_heavy, paces=paces), timeout=30).examined
    assert examined is not None
    assert bool(examined.findings) == (told is None)
    assert (examined.undecided is None) == (told is None)
    assert told is None or told in str(examined.undecided)


@pytest.mark.parametrize("status", [-9, -15, -2])
def test_what_others_end_is_no_finding(status):
    death = judge(remains(status), timeout=30)
    assert found(death) == ()
    assert "family/name: could not decide: the process was ended by SIG" in death.message


def test_a_crash_before_any_case_is_no_finding():
    death = judge(remains(-11, case="", function="", step=""), timeout=30)
    assert (death.examined, death.is_idle) == (None, False)
    assert judge(remains(-11, case="", completed=0), timeout=30).is_idle


def test_a_crash_while_a_case_is_set_up_is_that_cases():
    death = judge(remains(-11, function="", step="", completed=0), timeout=30)
    assert [finding.function for finding in found(death)] == ["set-up"]
    assert not death.is_idle


def test_nothing_left_behind():
    death = judge(Remains(-11, {}, ""), timeout=30)
    assert (death.blamed, death.examined, death.is_idle) == ("", None, True)


def test_a_trace_that_cannot_be_read_is_none(tmp_path):
    (tmp_path / "gw0.json").write_text('{"nodeid": "tes')
    left = post_mortem.remains_of(tmp_path / "gw0.json", -11, is_late=False)
    assert (left.status, left.trace, left.stacks) == (-11, {}, "")


def test_the_stack_names_the_way_from_the_implementation_inwards():
    assert innermost_frames(STACK) == ["string_at (__init__.py:519)", "get_k (wild.py:7)"]
    other = STACK.replace("/examine/", "/elsewhere/").replace("Current thread", "Thread")
    assert innermost_frames(f"Timeout (0:00:30)!\n{other}\n{STACK.replace('Current thread', 'Thread')}") == [
        "string_at (__init__.py:519)",
        "get_k (wild.py:7)",
    ]
    assert innermost_frames("") == innermost_frames(other) == []
    assert (
        "in string_at (__init__.py:519), called by get_k (wild.py:7)" in judge(remains(-11, stacks=STACK), 30).message
    )
