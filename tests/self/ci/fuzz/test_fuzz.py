"""Does fuzzing find what no row shows, and do the rows that it prints show it again?"""

import json
import os
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ci.fuzz import command
from ci.fuzz.apart import Apart
from ci.fuzz.options import Options
from ci.fuzz.search import Search, preferences
from ci.processes import CannotRun
from tests.calls.implementations import load_implementation
from tests.cases.case import Case
from tests.cases.covering import all_pairs, pairs_of
from tests.cases.fuzzed import FACTORS, cases, covering_rows
from tests.cases.plan import plan
from tests.cases.rows import of_row, row
from tests.contract import Contract, Rule
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.examine.selection import Selection
from tests.planted.bugs.unseen import UNSEEN
from tests.planted.faults import deadly
from tests.self import commands

SHOWING = [
    f"Case(name='drawn', rules=(4,), seq_lens={(0,) * 300 + (1,)!r}, spare_columns=2)",
    "Case(name='drawn', rules=(9, 12), seq_lens=(1,), page_size=48, num_pages=340000, page_at={(0, 0): 339999})",
    "Case(name='drawn', rules=(7,), calls=(Case(name='c', rules=(4,), seq_lens=(10,)), "
    "Case(name='c', rules=(4,)), Case(name='c', rules=(4,), seq_lens=(11,))),)",
]


FIXED = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
KINDS = {
    "good": lambda case: not case.calls and case.relation is None and not set(map(int, case.rules)) & {11, 12, 13, 14},
    "calls": lambda case: len(case.calls) > 1,
    "pages": lambda case: 11 in case.rules,
    "wrap": lambda case: 12 in case.rules,
    "lengths": lambda case: case.device_seq_lens is not None,
    "host": lambda case: case.seq_len_sum_error or case.max_seq_len_error < 0,
    "bad": lambda case: case.bad is not None,
    "related": lambda case: case.relation is not None,
}


def test_preferences_cover_all_pairs_of_classes():
    first = [row for row, _ in zip(preferences(3), covering_rows(), strict=False)]
    assert set[object]().union(*map(pairs_of, first)) == all_pairs(FACTORS)
    assert len(first) < 80
    assert first != [row for row, _ in zip(preferences(4), first, strict=False)], "each process has another order"


@pytest.mark.parametrize("kind", FACTORS["kind"])
def test_what_is_preferred_is_drawn_most_and_what_is_not_all_the_same(kind):
    drawn = list[Case]()

    @FIXED
    @given(cases({**covering_rows()[0], "kind": kind}))
    def draw(case):
        drawn.append(case)

    draw()
    assert list(KINDS) == list(FACTORS["kind"])
    counts = {of: sum(map(bool, map(is_so, drawn))) for of, is_so in KINDS.items()}
    assert counts[kind] >= len(drawn) / 3
    assert sum(count > 0 for count in counts.values()) > 1


@FIXED
@given(st.sampled_from(covering_rows()).flatmap(cases))
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


class InThisProcess:
    """Examines without a process of its own, what takes little."""

    def __init__(self, examiner):
        self.examine = self.alone = lambda case: clean(case) if case.heavy else examiner.examine(case)


class Scripted:
    """Comes to what is scripted for cases behind others, and for those that are alone."""

    def __init__(self, behind, alone):
        self.behind, self._alone, self.asked = behind, alone, []

    def examine(self, case):
        self.asked.append("behind")
        return self.behind(case)

    def alone(self, case):
        self.asked.append("alone")
        return self._alone(case)


def clean(case):
    return Examined(case.id)


def dies(case):
    fault = "the process was ended by SIGSEGV"
    return Examined(case.id, (Finding(Rule.LENGTHS, case.id, "get_k", f"{fault} during the first call", {}, fault),))


def killed(case):
    return Examined(case.id, undecided="the process was ended by SIGKILL")


def test_own_kernels_are_clean_in_some_rounds(examiner):
    search = Search(InThisProcess(examiner), examiner.selection, seconds=100)
    assert search.run(first_seed=7, rounds=2) is None
    assert search.examined > 6
    assert not search.undecided


@pytest.mark.parametrize(("bug", "text"), list(zip(UNSEEN, SHOWING, strict=True)), ids=[bug.name for bug in UNSEEN])
def test_the_bugs_that_no_row_shows_can_be_seen(bug, text, examiner, tmp_path):
    path = tmp_path / "planted.py"
    path.write_text(bug.source(), encoding="utf-8")
    examined = examiner.examine(of_row(text), load_implementation(str(path)))
    assert {finding.rule for finding in examined.findings} & set(bug.rules), examined


def test_a_death_that_happens_again_alone_is_found_and_made_smaller(tmp_path):
    scripted = Scripted(
        *[lambda case: dies(case) if max(case.seq_lens, default=0) > 2 and not case.bad else clean(case)] * 2
    )
    search = Search(scripted, Selection(str(tmp_path), device="cpu"), seconds=20)
    found = search.run(first_seed=1)
    assert found is not None
    assert found.row == "Case(name='drawn', rules=(4,), seq_lens=(3,))"
    assert "was ended by SIGSEGV" in found.findings[0].message
    assert not search.undecided


@pytest.mark.parametrize(
    ("behind", "reason"),
    [
        (dies, "behind other cases, and not alone: get_k breaks rule 4, the process was ended by SIGSEGV"),
        (killed, "behind other cases, and not alone: the process was ended by SIGKILL"),
    ],
)
def test_a_death_that_does_not_happen_alone_is_undecided_with_its_row(behind, reason, tmp_path):
    rows = [of_row(f"Case(name='drawn', rules=(4,), seq_lens=({tokens},))") for tokens in (3, 4, 4)]
    scripted = Scripted(behind, clean)
    search = Search(scripted, Selection(str(tmp_path), device="cpu"), seconds=20)
    assert not any(map(search.is_broken, rows))
    assert scripted.asked == ["behind", "alone"] * 2, "a row is examined once"
    (undecided,) = search.undecided.values()
    assert undecided.as_json() == {"case": row(rows[0]), "reason": reason, "count": 2}


@pytest.mark.parametrize(
    ("fault", "says", "is_finding"),
    [
        ("abort", "was ended by SIGABRT during the first call, in get_k_and_s (deadly.py", True),
        ("hang", "hung, and was ended after 5 s during the first call, in <lambda> (deadly.py", True),
        ("killed", "the process was ended by SIGKILL", False),
    ],
)
def test_a_process_that_dies_of_a_row_is_judged_and_replaced(fault, says, is_finding, tmp_path, monkeypatch):
    one, other = (of_row(f"Case(name='drawn', rules=(4,), seq_lens=({tokens},))") for tokens in (3, 4))
    monkeypatch.setitem(deadly.FAULTS, "killed", lambda: os.kill(os.getpid(), 9))
    monkeypatch.setenv(deadly.CALLS, json.dumps({deadly.signature(3, 3, 64, 128): fault}))
    selection = Selection("tests.planted.faults.deadly", Contract.TRUSTING, "cpu")
    with Apart(selection, tmp_path / "0.json", hung_seconds=5) as apart:
        assert apart.examine(other).is_clean
        examined = apart.examine(one)
        assert apart.examine(other).is_clean
    assert says in (examined.findings[0].message if is_finding else str(examined.undecided))
    assert bool(examined.findings) == is_finding


def test_what_cannot_be_imported_is_no_death(tmp_path):
    (tmp_path / "ends.py").write_text("import os\nos._exit(3)\n")
    for name, says in (("nowhere.py", "there is no such file"), ("ends.py", "importing it ended the process with")):
        with (
            Apart(Selection(str(tmp_path / name), device="cpu"), tmp_path / "0.json") as apart,
            pytest.raises(CannotRun, match=says),
        ):
            apart.examine(of_row(SHOWING[0]))


@pytest.mark.parametrize(
    ("messages", "code", "says"),
    [
        ([{"undecided": []}], 0, "0 rows in 7 cases"),
        ([{"row": "Case(a)", "findings": [{"rule": 7, "function": "get_k", "message": "m"}]}], 1, "rule 7, get_k: m"),
        (
            [{"undecided": [{"case": "Case(a)", "reason": "killed", "count": 2}]}] * 2,
            2,
            "Case(a),\n  undecided: killed; and 3 more like it\n  replay: ./ci/gate fuzz --impl own",
        ),
        (CannotRun("the process was ended by SIGBUS: no text"), 2, "no row,\n  undecided: the process was ended by"),
    ],
)
def test_nothing_that_a_process_tells_is_lost(messages, code, says, monkeypatch, capsys):
    class Process:
        def __init__(self, *_, **__):
            pass

        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *_: None  # noqa: E731

        def messages(self, order):
            yield {"step": "cases", "done": 7, "of": 0}
            if isinstance(messages, CannotRun):
                raise messages
            yield from messages

    monkeypatch.setattr(command, "Process", Process)
    asked = Options(Selection(device="cpu"), 1, 0, "Case(a)", None)
    assert command.main(asked, ["./ci/gate"]) == code
    told = capsys.readouterr().out
    assert says in told
    assert "in 7 cases" in told


def test_calls_that_a_sequence_does_not_need_are_left_out(tmp_path):
    def ends(case):
        return dies(case) if len(case.calls) > 1 and sum(call.page_size == 1 for call in case.calls) else clean(case)

    search = Search(Scripted(ends, ends), Selection(str(tmp_path), device="cpu"), seconds=30)
    found = search.run(first_seed=5)
    assert found is not None
    assert len(of_row(found.row).calls) == 2


@pytest.mark.long
@pytest.mark.parametrize("bug", UNSEEN, ids=lambda bug: bug.name)
def test_they_are_found_and_the_rows_fail(bug, tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "SECONDS", 500)
    path = tmp_path / "planted.py"
    path.write_text(bug.source(), encoding="utf-8")
    told = commands.gate("fuzz", "--minutes", "5", "--impl", path, "--device", "cpu")
    assert told.returncode == 1, told.stdout
    (text, *_) = re.findall(r"(?m)^(Case\(.*\)),$", told.stdout)
    again = commands.gate("fuzz", "--impl", path, "--device", "cpu", "--row", text)
    assert again.returncode == 1, again.stdout
