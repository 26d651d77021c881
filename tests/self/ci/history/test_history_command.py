"""`gate history` on runs that were never measured: what it lists, which differences it names, and which steps."""

import csv
import io
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from ci.history import command
from ci.options import parse
from tests.latency.history import History
from tests.latency.machine import Machine
from tests.latency.samples import Cell
from tests.latency.storage import key_of
from tests.latency.stored_run import Run
from tests.self.consoles import console
from tests.self.latency.runs import H100, LONG, SHORT, series, stored
from tests.self.latency.runs import run as run_made

NEWER = replace(H100, torch="2.12.0", triton="3.7.0")


def store(folder: Path, runs: Sequence[Run], machine: Machine = H100) -> None:
    """Write files as they are stored, without the waits for the disk."""
    below = folder / key_of(machine)
    below.mkdir(parents=True, exist_ok=True)
    first = len(list(below.iterdir())) + 1
    for number, run in enumerate(runs, start=first):
        (below / f"{number:04}_{run.about.commit}.json").write_text(json.dumps(run.as_json(machine)))


@pytest.fixture
def ask(tmp_path):
    """Ask the command about the runs in `tmp_path`; returns exit code, output and report."""

    def asked(*words: str) -> tuple[int, str, dict]:
        report = tmp_path / "report.json"
        job, options = parse(["history", *words, "--store", str(tmp_path / "store"), "--json", str(report)])
        assert job.name == "history"
        on, output = console()
        code = command.main(options, ["./ci/gate"], on)
        return code, output.getvalue(), json.loads(report.read_text()) if report.exists() else {}

    return asked


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def test_nothing_stored_is_undecided(ask):
    code, output, _ = ask()
    assert code == 2
    assert "no stored run of own" in output


def test_runs_are_listed_and_shown_and_damaged_ones_told(ask, folder):
    store(folder, series(3))
    (folder / key_of(H100) / "0004_x.json").write_text("{")
    code, output, report = ask("list")
    assert (code, len(report["runs"]), len(report["left_out"])) == (0, 3, 1)
    assert "0004_x.json: not JSON, it was not written whole" in output
    assert str(H100) in output
    code, output, _ = ask("show", "2")
    assert code == 0
    assert "1x1m/get_k_and_s" in output
    assert "run 0002_" in output
    assert ask("show", "nothing")[0] == 2


class TestCompare:
    """Two runs, commits or branches."""

    def test_runs_of_one_commit_do_not_differ(self, ask, folder):
        cells = tuple(Cell(f"w{number}", "get_k") for number in range(29))
        store(folder, series(6, cells))
        code, output, report = ask("compare", "1", "2")
        assert code == 0, output
        assert "no difference: none of 29 cells is slower" in output
        assert not any(each["is_significant"] for each in report["differences"])

    def test_a_slowdown_is_named_first_and_the_rest_counted(self, ask, folder):
        store(folder, [*series(6), *series(1, step_at=0, step=0.12, first=6)])
        code, output, report = ask("compare", "3", "7")
        assert code == 1
        assert "slower in 1 of 2 cells, most in 1x1m/get_k_and_s: +1" in output
        assert "no significant difference in 1 cell, the most in 1x8k/get_k" in output
        assert report["differences"][0]["interval"][0] < 1.12 < report["differences"][0]["interval"][1]

    def test_commits_and_branches_are_names_too(self, ask, folder):
        made = series(4)
        made[3] = replace(made[3], about=replace(made[3].about, branch="faster"))
        store(folder, made)
        assert ask("compare", made[0].about.commit or "", "faster")[0] == 0

    def test_other_machines_are_never_compared_without_saying_so(self, ask, folder):
        store(folder, series(1))
        store(folder, [run_made({LONG: stored(*[0.3] * 8)}, 2e9, commit="d" * 40)], NEWER)
        code, output, report = ask("compare", "0" * 40, "d" * 40)
        assert code == 2
        assert "these are different machines or toolchains" in output
        assert report["across_machines"]

    def test_runs_beside_other_twins_are_not_compared(self, ask, folder):
        store(folder, [*series(1), run_made(twin="t2", when=2e9)])
        code, output, _ = ask("compare", "1", "2")
        assert code == 2
        assert "2 different twins" in output


@pytest.mark.skipif(find_spec("ruptures") is None, reason="ruptures is not installed")
class TestTrend:
    """Steps over the series."""

    def test_a_step_is_found_in_2000_runs_and_a_toolchain_is_no_regression(self, ask, folder):
        cells = LONG, SHORT
        store(folder, series(1200, cells, step_at=700))
        other_tools = series(800, cells, first=1200, seed=2)  # the new toolchain alone makes all cells 6 % slower
        slower = {cell: stored(*[0.06] * 8) for cell in cells}
        store(folder, [replace(run, cells={**run.cells, **slower}) for run in other_tools], NEWER)
        began = time.process_time()
        code, output, report = ask("trend")
        seconds = time.process_time() - began
        assert code == 1
        assert [(step["cell"], step["commit"]) for step in report["steps"]] == [(LONG.id, f"{700:040x}")]
        assert report["steps"][0]["interval"][0] < 1.04 < report["steps"][0]["interval"][1]
        assert "a new series begins, nothing is compared across it: torch 2.11.0+cu129 -> 2.12.0" in output
        assert seconds < 5

    def test_quiet_runs_have_no_step(self, ask, folder):
        store(folder, series(200, scatter=0.02))
        assert ask("trend")[0] == 0
        assert ask("trend", "1x8k/get_k")[0] == 0
        assert ask("trend", "none/get_k")[0] == 2

    def test_runs_beside_a_base_are_no_part_of_a_trend(self, ask, folder):
        made = series(20, step_at=10, step=0.2)
        store(folder, [replace(run, about=replace(run.about, base="main")) for run in made])
        assert ask("trend")[0] == 2


def test_old_runs_are_pruned_and_the_newest_stay(ask, folder):
    store(folder, series(5))
    code, _, report = ask("prune", "--keep", "2")
    assert code == 0
    assert [name[:4] for name in report["removed"]] == ["0001", "0002", "0003"]
    assert [run.name[:4] for run in History(H100, folder).runs()[0]] == ["0004", "0005"]


def test_exports_hold_every_cell(ask, folder):
    store(folder, series(2))
    rows = list(csv.DictReader(io.StringIO(ask("export")[1])))
    assert [row["cell"] for row in rows] == [LONG.id, SHORT.id] * 2
    assert float(rows[0]["microseconds"]) == pytest.approx(20, rel=0.1)
    newest = json.loads(ask("export", "--format", "github-action-benchmark")[1])
    assert {(row["name"], row["unit"]) for row in newest} == {(c.id, "times the twin") for c in (LONG, SHORT)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("compare", "1"), "compare takes 2 names; got 1"),
        (("list", "1"), "list takes no names; got 1"),
        (("trend", "a", "b"), "trend takes one cell"),
        (("prune", "--keep", "0"), "argument --keep: expected 1 or more, got 0"),
        (("forget",), "invalid choice: 'forget'"),
    ],
)
def test_what_is_not_understood_is_refused(words, said, capsys):
    with pytest.raises(SystemExit) as caught:
        parse(["history", *words])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err
