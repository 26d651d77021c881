"""Is the kill table made of what was seen, and of nothing else?"""

from typing import Any

import pytest

from ci.kills import kept, plan, table
from ci.kills.instruments import INSTRUMENTS, instrument_of
from ci.kills.others import PROJECTS, ROWS
from ci.kills.subjects import SUBJECTS, Subject
from ci.options import parse
from tests.cases.case import Case, family
from tests.examine.blame import Seen
from tests.planted.classes import Planted

CASES = family(
    "lengths", [Case(name=f"of-{tokens}", rules=(4,), seq_lens=(tokens,)) for tokens in (90, 5, 20)]
) + family("tables", [Case(name="heavy", rules=(4,), seq_lens=(7,), heavy=True)])
LIGHTEST_FIRST = ["lengths/of-5", "lengths/of-20", "lengths/of-90"]


def subject(name: str, is_right: bool = False, needs_gpu: bool = False) -> Subject:
    bug = None if is_right else Planted(name, "tile", "values", {}, needs_gpu=needs_gpu)
    return Subject(name, "strict", str, name, bug)


@pytest.fixture
def known(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    return kept.Kept("cpu", [*CASES, *ROWS])


def found(seen: Seen, is_followed: bool = False) -> list[Any]:
    return [[4, seen.value, "get_k", is_followed, "words"]]


def content(known: kept.Kept, *subjects: Subject, is_matrix: bool = True) -> dict[str, Any]:
    return table.content("cpu", subjects, [*CASES, *ROWS], known, is_matrix=is_matrix)


def test_everything_that_can_be_seen_is_seen_by_one_instrument():
    assert {seen: sum(seen in of for of in INSTRUMENTS.values()) for seen in Seen} == dict.fromkeys(Seen, 1)
    assert instrument_of("process ended") == "errors"


def test_the_first_finding_is_that_of_the_lightest_case(known):
    bug = subject("b")
    known.add(
        bug,
        {
            "lengths/of-90": [3.0, found(Seen.RACE), None],
            "lengths/of-20": [0.5, found(Seen.WRAP), None],
            "lengths/of-5": [0.25, [], None],
        },
        (),
    )
    told = content(known, bug)["bugs"]["b"]
    assert (told["first"], told["rule"], told["seconds"]) == ("lengths/of-20", 4, 0.75)
    assert told["instruments"] == ["races", "wraps"]
    assert told["families"] == {"lengths": 2}


def test_wrong_rows_that_followed_count_as_seen_by_the_comparison(known):
    bug = subject("b")
    known.add(bug, {"lengths/of-5": [0.1, found(Seen.WRAP, is_followed=True), None]}, ())
    assert content(known, bug)["bugs"]["b"]["instruments"] == ["rows", "wraps"]


def test_a_bug_that_nothing_caught_is_missed_unless_it_needs_a_gpu(known):
    report = content(known, subject("a"), subject("b", needs_gpu=True))
    assert (report["missed"], report["unseen"]) == (["a"], ["b"])
    assert table.summed_up(report) == "0 of 1 planted bugs caught, 0 of 0 right implementations accused"


def test_a_finding_on_another_project_s_row_alone_is_none_of_the_catalogue(known):
    bug = subject("b")
    known.add(bug, {"sglang-test/manual": [0.1, found(Seen.WRONG_ROW), None]}, ())
    report = content(known, bug)
    assert report["missed"] == ["b"]
    assert report["bugs"]["b"]["others"] == {"SGLang": [True, True]}


def test_a_finding_on_what_is_right_is_an_alarm(known):
    right = subject("right/x", is_right=True)
    known.add(right, {"lengths/of-5": [0.1, found(Seen.WRAP), None]}, ())
    report = content(known, right)
    assert [alarm["subject"] for alarm in report["alarms"]] == ["right/x"]
    assert "False alarms: 1." in table.markdown(report)


def test_what_could_not_be_decided_is_neither_missed_nor_right(known):
    bug, right = subject("b"), subject("right/x", is_right=True)
    known.add(bug, {"lengths/of-5": [0.1, [], None], "lengths/of-20": [0.1, [], "out of memory"]}, ())
    known.add(right, {"lengths/of-5": [0.1, [], None], "lengths/of-20": [0.1, [], "out of memory"]}, ())
    report = content(known, bug, right)
    assert (report["missed"], report["alarms"], report["right"]) == ([], [], {"right/x": 1})
    assert report["undecided"] == [f"{name} on lengths/of-20: out of memory" for name in ("b", "right/x")]
    assert "Could not decide b on lengths/of-20: out of memory." in table.markdown(report)


def test_a_bug_that_a_case_caught_needs_no_other(known):
    bug = subject("b")
    known.add(bug, {"lengths/of-5": [0.1, found(Seen.WRAP), None], "lengths/of-20": [0.1, [], "out of memory"]}, ())
    assert content(known, bug)["undecided"] == []


def test_what_no_bug_needs_is_idle():
    needs = [
        {"instruments": ["wraps"], "families": {"pools": 2}},
        {"instruments": ["races", "rows"], "families": {"lengths": 1, "tables": 1}},
    ]
    told = table.idle(needs, ("pools", "lengths", "logits"))
    assert {"races", "rows", "lengths"} <= set(told)
    assert not {"wraps", "pools", "logits", "fences"} & set(told)


def test_the_matrix_has_light_cases_only_the_lightest_first(known):
    known.add(subject("right/x", is_right=True), {"lengths/of-20": [0.3, [], None]}, ())
    assert [case.id for case in plan.light(CASES, known)] == ["lengths/of-5", "lengths/of-90"]


def test_what_is_known_is_not_asked_again(known, tmp_path):
    bug = subject("b")
    known.add(bug, {"lengths/of-5": [0.1, [], None]}, ["lengths/of-5", "lengths/of-20"])
    again = kept.Kept("cpu", [*CASES, *ROWS])
    (stretch,) = plan.tasks_of([bug], CASES, again, "never", workers=2)
    assert [task.cases for task in stretch] == [("lengths/of-90", "tables/heavy")]


def test_a_bug_that_stopped_at_its_first_finding_leaves_the_rest_open(known):
    bug = subject("b")
    known.add(bug, {"lengths/of-5": [0.1, found(Seen.WRAP), None]}, LIGHTEST_FIRST)
    assert plan.tasks_of([bug], CASES, known, "first", workers=2) == []
    (stretch,) = plan.tasks_of([bug], CASES[:3], known, "never", workers=2)
    assert set(stretch[0].cases) == {"lengths/of-20", "lengths/of-90"}


def test_where_a_process_ended_is_the_case_after_the_last_it_told():
    task = plan.Task(subject("b"), ("a", "b", "c"), "first")
    assert [task.next(told) for told in ((), ("a",), ("a", "b"), ("a", "b", "c"))] == ["a", "b", "c", "c"]


def test_a_gpu_gets_what_needs_it_and_a_drawn_tenth():
    bugs = [of for of in SUBJECTS.values() if of.bug]
    drawn = list(filter(plan.drawn, bugs))
    assert {of.name for of in bugs if of.bug and of.bug.needs_gpu} <= {of.name for of in drawn}
    assert 0.05 < len(drawn) / len(bugs) < 0.2


def test_other_projects_tests_are_rows_of_their_own():
    assert {name: sum(len(case.seq_lens) for case in of) for name, of in PROJECTS.items()} == {
        "SGLang": 5,
        "FlagGems": 33,
        "vLLM": 8,
    }


def test_options_are_read():
    job, options = parse(["kills", "--bug", "flat/*", "--first-only", "-n", "3"])
    assert job.name == "kills"
    assert (options.bugs, options.first_only, options.workers) == (["flat/*"], True, 3)
