"""What a run comes to: the decision, its counts, the report, and how tests' reports become results."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ci.examination import summary
from ci.examination.collector import Collector, case_of
from ci.examination.run import trouble_in
from ci.examination.verdict import CUT_SHORT, NO_RIGHT_ROW, RunVerdict, judge
from ci.reports.decision import Decision
from tests.contract import Contract, Rule
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.examine.selection import Selection

PAGE, TAIL = "lengths/page", "tables/tail-stale"


def finding(rule: int = 4, case: str = PAGE, message: str = "row 3 is wrong", function: str = "get_k") -> Finding:
    return Finding(Rule(rule), case, function, message)


def clean(case: str) -> Examined:
    return Examined(case, right=("get_k",))


def broken(case: str, *rules: int) -> Examined:
    return Examined(case, tuple(finding(rule, case) for rule in rules))


def decision(*results: Examined, troubles: tuple[str, ...] = ()) -> tuple[str, int]:
    verdict = judge(results, rows_due=(PAGE, TAIL), troubles=troubles)
    return verdict.decision.word, verdict.decision.value


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
    assert len(judge(results, troubles=["interrupted"]).undecided) == 2


def test_cases_left_out_do_not_change_the_verdict_and_are_counted():
    verdict = judge([clean(PAGE), Examined(TAIL, not_run="needs a GPU"), Examined("pools/x", not_run="needs a GPU")])
    assert verdict.decision is Decision.CLEAN
    assert verdict.not_run == {"needs a GPU": 2}


@pytest.mark.parametrize("results", [(), (Examined(PAGE, not_run="needs a GPU"),)], ids=["no case", "all left out"])
def test_a_run_that_examined_nothing_is_undecided(results):
    verdict = judge(results)
    assert verdict.decision is Decision.UNDECIDED
    assert [str(item) for item in verdict.undecided] == ["nothing was examined"]


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
        replace(clean(TAIL), refused=("get_s",), notes=("a GPU was pretended",)),
        Examined("pools/x", not_run="needs a GPU"),
        Examined("tables/x", undecided="?"),
    ]
    machine = {"python": "3.11.7", "device": "cpu"}
    content = summary.content(judge(results), Selection("x.py", Contract.SAFE), machine)
    assert json.loads(json.dumps(content)) == {
        "implementation": "x.py",
        "contract": "safe",
        "rules_not_held": [16, 17, 18, 19],
        "machine": machine,
        "cases": {
            "examined": 2,
            "clean": 1,
            "with_findings": 1,
            "undecided": 1,
            "refused": 1,
            "not_run": {"needs a GPU": 1},
        },
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
        "notes": ["a GPU was pretended"],
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


def reported(
    outcome: Any, case: str, when: Any = "call", *findings: Finding, text: Any = None, **told: Any
) -> pytest.TestReport:
    properties = []
    if findings or told or (outcome == "passed" and when == "call"):
        result = Examined(case, findings, right=told.pop("right", ("get_k",)), **told)
        properties.append(("examined", result.as_json()))
    return pytest.TestReport(node(case), ("", 0, ""), {}, outcome, text, when, user_properties=properties)


def node(case: str) -> str:
    return f"tests/test_values.py::test_rows[{case}]"


@pytest.fixture
def collector() -> Collector:
    collector = Collector([PAGE, TAIL], {TAIL: "needs a GPU"}, Heard())
    collector.pytest_xdist_node_collection_finished(SimpleNamespace(), [node(PAGE), node(TAIL), node("NOTSET")])
    return collector


def verdict_of(collector: Collector) -> RunVerdict:
    return judge(collector.results(None), rows_due=(PAGE, TAIL), troubles=collector.troubles)


def test_reports_become_results(collector):
    collector.pytest_runtest_logreport(reported("passed", PAGE, "setup"))
    collector.pytest_runtest_logreport(reported("failed", PAGE, "call", finding(), text="row 3"))
    collector.pytest_runtest_logreport(reported("passed", PAGE, "teardown"))
    collector.pytest_runtest_logreport(reported("skipped", TAIL, "setup", text=("f.py", 1, "Skipped: needs a GPU")))
    assert collector.results(None) == [
        Examined(PAGE, (finding(),), right=("get_k",)),
        Examined(TAIL, not_run="needs a GPU"),
    ]
    assert collector._listener.total == 2
    assert [done for _, done in collector._listener.shown] == [1, 2]


def test_collected_test_without_a_report_is_undecided(collector):
    collector.pytest_runtest_logreport(reported("passed", PAGE))
    verdict = verdict_of(collector)
    assert verdict.decision is Decision.UNDECIDED
    assert [item.cases for item in verdict.undecided] == [(TAIL,)]
    assert judge(collector.results("not reached")).decision is Decision.CLEAN


def test_case_that_no_test_examines_is_undecided():
    collector = Collector([PAGE, TAIL], {}, Heard())
    collector.pytest_xdist_node_collection_finished(SimpleNamespace(), [node(PAGE)])
    collector.pytest_runtest_logreport(reported("passed", PAGE))
    assert [str(item) for item in verdict_of(collector).undecided] == [f"{TAIL}: no test examines it"]


@pytest.mark.parametrize("when", ["setup", "call", "teardown"])
def test_failure_without_a_finding_is_undecided_and_tells_its_last_line(collector, when):
    collector.pytest_runtest_logreport(reported("passed", TAIL))
    collector.pytest_runtest_logreport(reported("failed", PAGE, when, text="def test():\nE   KeyError: 3"))
    verdict = verdict_of(collector)
    assert [str(item) for item in verdict.undecided] == [f"{PAGE}: the harness failed: KeyError: 3"]


@pytest.mark.parametrize(
    "text", [("f.py", 1, "Skipped: as it pleases"), ("f.py", 1, "Skipped: needs a GPU"), "expected to fail"]
)
def test_a_case_that_something_else_leaves_out_is_undecided(collector, text):
    collector.pytest_runtest_logreport(reported("passed", TAIL))
    collector.pytest_runtest_logreport(reported("skipped", PAGE, text=text))
    verdict = verdict_of(collector)
    assert verdict.decision is Decision.UNDECIDED
    assert str(verdict.undecided[0]).startswith(f"{PAGE}: left out by something else: ")


def test_a_test_that_passes_without_an_examination_is_undecided(collector):
    collector.pytest_runtest_logreport(reported("passed", TAIL))
    collector.pytest_runtest_logreport(pytest.TestReport(node(PAGE), ("", 0, ""), {}, "passed", None, "call"))
    assert [str(item) for item in verdict_of(collector).undecided] == [
        f"{PAGE}: the test passed without an examination"
    ]


def test_a_failing_teardown_does_not_repeat_the_findings_of_its_test(collector):
    collector.pytest_runtest_logreport(reported("failed", PAGE, "call", finding(1), text="row 3"))
    collector.pytest_runtest_logreport(reported("failed", PAGE, "teardown", finding(1), text="E   KeyError: 3"))
    collector.pytest_runtest_logreport(reported("passed", TAIL))
    verdict = verdict_of(collector)
    assert verdict.findings == (finding(1),)
    assert [str(item) for item in verdict.undecided] == [f"{PAGE}: the harness failed: KeyError: 3"]


def test_chosen_cases_are_missed_where_nothing_was_collected():
    collector = Collector([PAGE, TAIL], {}, Heard())
    assert [str(item) for item in verdict_of(collector).undecided] == [
        f"no test was collected for it: 2 cases, first {PAGE}"
    ]


def test_worker_that_dies_after_a_test_adds_to_the_tests_report(collector):
    collector.pytest_runtest_logreport(reported("failed", PAGE, "call", finding(1), text="row 3"))
    collector.pytest_runtest_logreport(reported("failed", PAGE, "teardown", text="the process ended"))
    collector.pytest_runtest_logreport(reported("passed", TAIL))
    collector.pytest_runtest_logreport(reported("failed", TAIL, "teardown", finding(5, TAIL), text="it crashed"))
    verdict = verdict_of(collector)
    assert verdict.findings == (finding(1), finding(5, TAIL))
    assert [item.cases for item in verdict.undecided] == [(PAGE,)]


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


@pytest.mark.parametrize(
    ("code", "any_unclean", "is_stopped", "trouble"),
    [
        (0, False, False, None),
        (0, True, False, None),
        (1, True, False, None),
        (1, False, False, "pytest ended with code 1, tests failed"),
        (2, False, True, None),
        (2, True, False, "pytest ended with code 2, interrupted"),
        (3, True, True, "pytest ended with code 3, internal error"),
        (4, False, False, "pytest ended with code 4, usage error"),
        (5, False, False, "pytest ended with code 5, no tests collected"),
        (77, True, False, "pytest ended with code 77, which it does not know"),
    ],
)
def test_what_pytests_exit_status_says(code, any_unclean, is_stopped, trouble):
    assert trouble_in(code, any_unclean=any_unclean, is_stopped=is_stopped) == trouble


def refusing(case: str, *, right: tuple[str, ...] = ()) -> Examined:
    return Examined(case, refused=("get_k",), right=right)


def test_refusing_everything_is_not_clean():
    only_refused = [refusing("geometries/a"), refusing("geometries/b")]
    verdict = judge(only_refused)
    assert (verdict.decision, str(verdict.undecided[0])) == (Decision.UNDECIDED, NO_RIGHT_ROW)
    assert judge([*only_refused, clean(PAGE)], rows_due=[PAGE]).decision is Decision.CLEAN
    # Rows of other cases do not stand in for those that are due.
    results = [Examined(PAGE), clean("geometries/c")]
    assert str(judge(results, rows_due=[PAGE]).undecided[0]) == NO_RIGHT_ROW
    assert judge([Examined("bad-arguments/x")], rows_due=[PAGE]).decision is Decision.CLEAN
    left_out = Examined(TAIL, not_run="needs a GPU")
    assert judge([left_out, Examined("bad-arguments/x")], rows_due=[TAIL]).decision is Decision.CLEAN


def line_of(verdict: RunVerdict, contract: Contract = Contract.STRICT) -> str:
    return summary.last_line(verdict, Selection("my.py", contract))


def test_the_last_line_names_refused_families_and_rules_that_were_not_held():
    results = [clean(PAGE), refusing("geometries/a"), refusing("geometries/b"), refusing("tables/a"), clean("tables/b")]
    verdict = judge([*results, Examined("pools/x", not_run="needs a GPU")])
    assert [(family.refused, family.is_refused_whole) for family in verdict.families] == [
        (0, False),
        (2, True),
        (1, False),
        (0, False),
    ]
    told = "on 5 cases, 3 refused (all of geometries), 1 not run"
    assert line_of(verdict) == f"my.py keeps the strict contract {told}"
    assert line_of(verdict, Contract.SAFE) == (
        f"my.py keeps the safe contract {told}; rules 16 to 19 were not held against it"
    )
    assert "; rules 9 to 11 and 13 to 19 were not held against it" in line_of(verdict, Contract.TRUSTING)


def test_what_is_the_same_for_all_cases_is_one_line():
    reason = "needs a GPU: device='cuda' in an allocation"
    verdict = judge([Examined(f"lengths/{n}", undecided=reason) for n in range(88)])
    assert verdict.decision is Decision.UNDECIDED
    assert line_of(verdict) == f"{reason}: 88 cases, first lengths/0"
    assert summary.undecided_lines(verdict) == []


def test_notes_are_told_once():
    note = "questions for the GPU were answered as by an H100"
    assert judge([replace(clean(PAGE), notes=(note,)), replace(clean(TAIL), notes=(note,))]).notes == (note,)


def test_a_run_that_was_cut_short_is_undecided_and_tells_what_is_known():
    results = [clean(PAGE), broken(TAIL, 5, 4), Examined("pools/x", not_run=CUT_SHORT)]
    verdict = judge(results, cut_short="ended by SIGTERM")
    assert verdict.decision is Decision.UNDECIDED
    assert len(verdict.findings) == 2
    assert line_of(verdict) == ("ended by SIGTERM after 2 of 3 cases; findings so far: 2 (rules 4 and 5)")
    quiet = judge([clean(PAGE)], cut_short="interrupted")
    assert line_of(quiet) == "interrupted after 1 of 1 case; no findings so far"
