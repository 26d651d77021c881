"""`./ci/gate cost`: each planted regression of cost is a change, and nothing else is one."""

import json
from pathlib import Path

import pytest

from ci.cost import baseline, command
from ci.cost.baseline import Group
from ci.cost.command import measure
from ci.cost.comparison import compare
from ci.processes import CannotRun
from ci.reports.reporter import Reporter
from tests.planted.costs.regressions import BASE, REGRESSIONS, Regression
from tests.self import commands
from tests.self.consoles import console

DECORATED = Path(__file__).with_name("decorated.py")
WORKLOADS = ("1x128",)


def measured(path):
    return measure(str(path), Reporter("cost", None, console()[0]), WORKLOADS)


@pytest.fixture(scope="module")
def accepted():
    base = measured(BASE)
    assert not base.troubles
    return {name: Group(base.versions, figures) for name, figures in base.figures().items()}


@pytest.mark.parametrize(
    "regression",
    [pytest.param(r, id=r.name, marks=[] if n % 3 == 2 else [pytest.mark.long]) for n, r in enumerate(REGRESSIONS)],
)
def test_a_planted_regression_is_a_change(regression, accepted, tmp_path):
    path = tmp_path / f"costs_{regression.name.replace('-', '_')}.py"
    path.write_text(regression.source())
    found = measured(path)
    assert not found.troubles
    result = compare(found, accepted)
    told = [str(change) for change in result.changes]
    assert result.verdict.decision == 1
    changes = [change for change in result.changes if change.figure.endswith(regression.figure)]
    assert len(changes) == 1, told
    assert regression.now(changes[0].was or 0, changes[0].now or 0), told


def test_a_comment_is_no_change(accepted, tmp_path):
    path = tmp_path / "costs_commented.py"
    source = BASE.read_text()
    lines = source.replace("    token = tl.arange", "    # A comment\n\n    # of some lines.\n    token = tl.arange")
    assert lines != source
    path.write_text(f"# Another.\n\n{lines}")
    result = compare(measured(path), accepted)
    assert [str(change) for change in result.changes] == []
    assert result.verdict.decision == 0
    assert result.compared > 40


def test_a_regression_that_no_longer_applies_is_refused():
    stale = Regression(name="stale", edits={"no such line": ""}, figure="", now=lambda was, is_: True)
    with pytest.raises(ValueError, match="stands 0 times"):
        stale.source()


def test_decorated_kernels_are_compiled_and_unreachable_ones_told():
    found = measure(str(DECORATED), Reporter("cost", None, console()[0]), ("1x4k",))
    assert [code.name for code in found.codes if code.by_target] == ["get_k of 1x4k / _decorated"]
    assert found.calls[0].figures["programs"] == 2_048
    assert len(found.troubles) == 1
    assert "_hidden.<locals>.inner: the module" in found.troubles[0]
    assert compare(found, None).verdict.decision == 2


def test_an_implementation_that_ends_the_process_is_told(tmp_path):
    path = tmp_path / "ends.py"
    path.write_text("import os, sys\nprint('last words', file=sys.stderr, flush=True)\nos._exit(3)\n")
    with pytest.raises(CannotRun, match=r"exited with status 3: .*last words"):
        command.count(str(path), lambda *step: None)


def test_what_an_implementation_prints_is_no_message(tmp_path):
    path = tmp_path / "prints.py"
    path.write_text("print('{}')\ndef get_k(*arguments):\n    print('loud')\n    raise RuntimeError('no')\n")
    told = command.count(str(path), lambda *step: None, WORKLOADS)
    assert told["failed"] == [{"workload": "1x128", "function": "get_k", "reason": "RuntimeError: no"}]


def gate(folder, *arguments):
    report = folder / "report.json"
    # What the user set for Triton is none of the figures' business.
    done = commands.gate("cost", "--json", report, *arguments, folder=folder, TRITON_INTERPRET="1")
    return done.returncode, done.stdout + done.stderr, json.loads(report.read_text())


def test_the_projects_kernels_cost_what_was_accepted(tmp_path):
    code, output, report = gate(tmp_path)
    hint = "if the change is meant: ./ci/gate cost --accept"
    assert code == 0, f"{output}\n{hint}"
    assert (report["verdict"], report["findings"]) == ("same", [])
    stored = baseline.read("own")
    assert stored is not None
    assert report["compared"] >= len(stored["counted"].figures)
    assert output.strip().splitlines()[-1].startswith("SAME: own costs what was accepted")


def test_an_implementation_that_is_not_there_is_undecided(tmp_path):
    code, output, report = gate(tmp_path, "--impl", "no_such_module")
    assert code == report["exit_code"] == 2
    assert "no such module" in output.splitlines()[-1]
    assert report["undecided"]
