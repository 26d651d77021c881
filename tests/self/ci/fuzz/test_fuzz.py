"""Does fuzzing find what no row shows, and do the rows that it prints show it again?"""

import re

import pytest
from hypothesis import HealthCheck, given, settings

from ci.fuzz import command
from ci.fuzz.options import Options
from ci.fuzz.search import Search
from tests.calls.implementations import load_implementation
from tests.cases.fuzzed import cases, of_row, row
from tests.cases.plan import plan
from tests.examine.selection import Selection
from tests.planted.bugs.unseen import UNSEEN
from tests.self.commands import gate

SHOWING = [
    f"Case(name='drawn', rules=(4,), seq_lens={(0,) * 300 + (1,)!r}, spare_columns=2)",
    "Case(name='drawn', rules=(9, 12), seq_lens=(1,), page_size=48, num_pages=340000, page_at={(0, 0): 339999})",
    "Case(name='drawn', rules=(7,), calls=(Case(name='c', rules=(4,), seq_lens=(10,)), "
    "Case(name='c', rules=(4,)), Case(name='c', rules=(4,), seq_lens=(11,))),)",
]


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_a_case_can_be_planned_and_is_its_row(case):
    assert of_row(row(case)) == case or case.calls
    assert row(of_row(row(case))) == row(case)
    for call in case.calls or (case,):
        plan(call)


@pytest.mark.parametrize(
    "text", ["print(1)", "Case(", "Case(name=print)", "Case(1)", "Case(seq_lens=(1,), rules=(4,))"]
)
def test_what_is_no_row_is_refused(text):
    with pytest.raises(ValueError, match=r"expected Case|malformed"):
        of_row(text)


def test_own_kernels_are_clean_for_some_seconds(examiner):
    search = Search(examiner, seconds=2)
    assert search.run(first_seed=7, rounds=1) is None
    assert search.examined > 0
    assert not search.undecided


@pytest.mark.parametrize(("bug", "text"), list(zip(UNSEEN, SHOWING, strict=True)), ids=[bug.name for bug in UNSEEN])
def test_the_bugs_that_no_row_shows_can_be_seen(bug, text, examiner, tmp_path):
    path = tmp_path / "planted.py"
    path.write_text(bug.source(), encoding="utf-8")
    examined = examiner.examine(of_row(text), load_implementation(str(path)))
    assert {finding.rule for finding in examined.findings} & set(bug.rules), examined


@pytest.mark.parametrize(("is_alone", "code"), [(True, 1), (False, 2)])
def test_only_what_a_row_shows_alone_is_a_finding(is_alone, code, monkeypatch, capsys):
    found = {"row": SHOWING[0], "findings": [{"rule": 7, "function": "get_k", "message": "rows changed"}]}
    orders = []

    def in_processes(options, steps):
        orders.append(options.row)
        told = [{"examined": 1, "undecided": []}]
        return [found, *told] if options.row is None or is_alone else told

    monkeypatch.setattr(command, "_in_processes", in_processes)
    assert command.main(Options(Selection(), 1, 0, None, None), ["./ci/gate"]) == code
    assert orders == [None, SHOWING[0]], "a row that was found is examined again in a process of its own"
    told = capsys.readouterr().out
    assert ("replay: ./ci/gate fuzz" in told) == is_alone
    assert ("broke a rule behind other calls, and none alone" in told) != is_alone


@pytest.mark.long
@pytest.mark.parametrize("bug", UNSEEN, ids=lambda bug: bug.name)
def test_they_are_found_and_the_rows_fail(bug, tmp_path):
    path = tmp_path / "planted.py"
    path.write_text(bug.source(), encoding="utf-8")
    told = gate("fuzz", "--minutes", "5", "--impl", path, "--device", "cpu")
    assert told.returncode == 1, told.stdout
    (text, *_) = re.findall(r"(?m)^(Case\(.*\)),$", told.stdout)
    again = gate("fuzz", "--impl", path, "--device", "cpu", "--row", text)
    assert again.returncode == 1, again.stdout
