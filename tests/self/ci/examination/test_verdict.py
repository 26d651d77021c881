"""What a run comes to: the decision, its counts, the report, and how tests' reports become results."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from ci.examination import report
from ci.examination.collector import Collector, case_of
from ci.examination.verdict import Decision, Verdict, judge
from tests.contract import Rule
from tests.examine.examined import Examined
from tests.examine.finding import Finding

PAGE, TAIL = "lengths/page", "tables/tail-stale"


def finding(rule: int = 4, case: str = PAGE, message: str = "row 3 is wrong", function: str = "get_k") -> Finding:
    return Finding(Rule(rule), case, function, message)


def clean(case: str) -> Examined:
    return Examined(case)


def broken(case: str, *rules: int) -> Examined:
    return Examined(case, tuple(finding(rule, case) for rule in rules))


def decision(*results: Examined, troubles: tuple[str, ...] = ()) -> tuple[str, int]:
    verdict = judge(results, troubles)
    return verdict.decision.value, verdict.decision.exit_code


def test_clean_cases_are_clean():
    assert decision(clean(PAGE), clean(TAIL)) == ("clean", 0)


def test_one_finding_decides():
    assert decision(clean(PAGE), broken(TAIL, 5)) == ("findings", 1)


def test_a_failure_of_the_harness_is_no_verdict_on_the_implementation():
    assert decision(clean(PAGE), Examined(TAIL, undecided="KeyError: 3")) == ("undecided", 2)


def test_a_trouble_of_the_run_is_undecided_however_many_cases_are_clean():
    assert decision(clean(PAGE), clean(TAIL), troubles=("a file could not be collected",)) == ("undecided", 2)


def test_findings_beat_undecided():
    results = (broken(PAGE, 4), Examined(TAIL, undecided="KeyError: 3"))
    assert decision(*results, troubles=("interrupted",)) == ("findings", 1)
    assert len(judge(results, ["interrupted"]).undecided) == 2


def test_cases_left_out_do_not_change_the_verdict_and_are_counted():
    verdict = judge([clean(PAGE), Examined(TAIL, not_run="needs a GPU"), Examined("pools/x", not_run="needs a GPU")])
    assert verdict.decision is Decision.CLEAN
    assert verdict.not_run == {"needs a GPU": 2}


@pytest.mark.parametrize("results", [(), (Examined(PAGE, not_run="needs a GPU"),)], ids=["no case", "all left out"])
def test_a_run_that_examined_nothing_is_undecided(results):
    verdict = judge(results)
    assert verdict.decision is Decision.UNDECIDED
    assert [str(item) for item in verdict.undecided] == ["nothing was examined"]


@pytest.mark.parametrize(
    "message",
    [
        "raised OutOfMemoryError: CUDA out of memory.",
        "raised MemoryError: (no text)",
        "DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_out_of_memory_is_undecided(message):
    verdict = judge([Examined(PAGE, (finding(message=message),))])
    assert verdict.decision is Decision.UNDECIDED
    assert message in str(verdict.undecided[0])


def test_a_call_to_be_refused_that_runs_out_of_memory_was_not_refused():
    case = "bad-arguments/seq-len-sum-negative"
    assert decision(Examined(case, (finding(14, case, "raised OutOfMemoryError: CUDA out of memory."),))) == (
        "findings",
        1,
    )


def test_another_finding_of_the_case_survives_out_of_memory():
    results = Examined(PAGE, (finding(message="raised MemoryError: (no text)"), finding(6)))
    verdict = judge([results])
    assert verdict.findings == (finding(6),)
    assert [item.case for item in verdict.undecided] == [PAGE]


def test_a_case_of_several_tests_counts_once_at_its_worst():
    results = [
        clean(PAGE),
        broken(PAGE, 4, 1),
        Examined(TAIL, not_run="needs a GPU"),
        clean(TAIL),
        clean("lengths/zero"),
    ]
    verdict = judge([*results, Examined("tables/x", undecided="KeyError: 3"), clean("tables/x")])
    lengths, tables = verdict.families
    assert (lengths.family, lengths.clean, lengths.with_findings, lengths.rules_broken) == ("lengths", 1, 1, (1, 4))
    assert (tables.family, tables.clean, tables.undecided, tables.not_run) == ("tables", 1, 1, 0)
    assert verdict.total.examined == 3
    assert verdict.total.rules_broken == (1, 4)


def test_report_says_what_the_verdict_says():
    results = [
        broken(PAGE, 4),
        clean(TAIL),
        Examined("pools/x", not_run="needs a GPU"),
        Examined("tables/x", undecided="?"),
    ]
    machine = {"python": "3.11.7", "device": "cpu"}
    content = report.content(judge(results), implementation="x.py", contract="safe", machine=machine, seconds=1.26)
    assert json.loads(json.dumps(content)) == {
        "report": "examination",
        "schema": 1,
        "verdict": "findings",
        "exit_code": 1,
        "implementation": "x.py",
        "contract": "safe",
        "machine": machine,
        "seconds": 1.3,
        "cases": {"examined": 2, "clean": 1, "with_findings": 1, "undecided": 1, "not_run": {"needs a GPU": 1}},
        "findings": [
            {
                "rule": 4,
                "case": PAGE,
                "function": "get_k",
                "message": "row 3 is wrong",
                "details": {},
                "fault": "",
                "family": "lengths",
            }
        ],
        "undecided": [{"case": "tables/x", "reason": "?"}],
    }


@pytest.mark.parametrize(
    ("nodeid", "case"),
    [
        (f"tests/test_values.py::test_rows[{PAGE}]", PAGE),
        (f"tests/test_values.py::test_rows[int32-{TAIL}]", TAIL),
        (f"tests/test_values.py::test_rows[{TAIL}-get_k]", TAIL),
        ("tests/test_machine.py::test_variants", "machine/test_variants"),
        ("tests/test_machine.py::test_variants[wide]", "machine/test_variants[wide]"),
    ],
)
def test_case_of_a_test(nodeid, case):
    assert case_of(nodeid, {PAGE, TAIL}) == case


class Heard:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.total = 0
        self.shown: list[tuple[Examined, int]] = []

    def expect(self, total: int) -> None:
        self.total = total

    def show(self, result: Examined, done: int) -> None:
        self.shown.append((result, done))


def reported(outcome: Any, case: str, when: Any = "call", *findings: Finding, text: Any = None) -> pytest.TestReport:
    properties = [("finding", found.as_json()) for found in findings]
    return pytest.TestReport(node(case), ("", 0, ""), {}, outcome, text, when, user_properties=properties)


def node(case: str) -> str:
    return f"tests/test_values.py::test_rows[{case}]"


@pytest.fixture
def collector() -> Collector:
    collector = Collector([PAGE, TAIL], Heard())
    collector.pytest_xdist_node_collection_finished(SimpleNamespace(), [node(PAGE), node(TAIL), node("NOTSET")])
    return collector


def verdict_of(collector: Collector) -> Verdict:
    return judge(collector.results(None), collector.troubles)


def test_reports_become_results(collector):
    collector.pytest_runtest_logreport(reported("passed", PAGE, "setup"))
    collector.pytest_runtest_logreport(reported("failed", PAGE, "call", finding(), text="row 3"))
    collector.pytest_runtest_logreport(reported("passed", PAGE, "teardown"))
    collector.pytest_runtest_logreport(reported("skipped", TAIL, "setup", text=("f.py", 1, "Skipped: needs a GPU")))
    assert collector.results(None) == [Examined(PAGE, (finding(),)), Examined(TAIL, not_run="needs a GPU")]
    assert collector._listener.total == 2
    assert [done for _, done in collector._listener.shown] == [1, 2]


def test_collected_test_without_a_report_is_undecided(collector):
    collector.pytest_runtest_logreport(reported("passed", PAGE))
    verdict = verdict_of(collector)
    assert verdict.decision is Decision.UNDECIDED
    assert [item.case for item in verdict.undecided] == [TAIL]
    assert judge(collector.results("not reached")).decision is Decision.CLEAN


def test_case_that_no_test_examines_is_undecided():
    collector = Collector([PAGE, TAIL], Heard())
    collector.pytest_xdist_node_collection_finished(SimpleNamespace(), [node(PAGE)])
    collector.pytest_runtest_logreport(reported("passed", PAGE))
    assert [str(item) for item in verdict_of(collector).undecided] == [f"{TAIL}: no test examines it"]


@pytest.mark.parametrize("when", ["setup", "call", "teardown"])
def test_failure_without_a_finding_is_undecided_and_tells_its_last_line(collector, when):
    collector.pytest_runtest_logreport(reported("passed", TAIL))
    collector.pytest_runtest_logreport(reported("failed", PAGE, when, text="def test():\nE   KeyError: 3"))
    verdict = verdict_of(collector)
    assert [str(item) for item in verdict.undecided] == [f"{PAGE}: the harness failed: KeyError: 3"]


def test_worker_that_dies_after_a_test_adds_to_the_tests_report(collector):
    collector.pytest_runtest_logreport(reported("failed", PAGE, "call", finding(1), text="row 3"))
    collector.pytest_runtest_logreport(reported("failed", PAGE, "teardown", text="the process ended"))
    collector.pytest_runtest_logreport(reported("passed", TAIL))
    collector.pytest_runtest_logreport(reported("failed", TAIL, "teardown", finding(5, TAIL), text="it crashed"))
    verdict = verdict_of(collector)
    assert verdict.findings == (finding(1), finding(5, TAIL))
    assert [item.case for item in verdict.undecided] == [PAGE]


def test_collection_error_and_internal_error_are_troubles(collector):
    collector.pytest_collectreport(
        pytest.CollectReport("tests/test_x.py", "failed", "E   ImportError: no module x", None)
    )
    collector.pytest_internalerror("Traceback\nE  TypeError: begin() takes 1 argument\nE  assert False")
    collector.pytest_internalerror("AssertionError: its consequence")
    assert collector.troubles == [
        "tests/test_x.py could not be collected: ImportError: no module x",
        "pytest failed: TypeError: begin() takes 1 argument",
    ]
