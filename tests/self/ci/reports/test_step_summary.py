"""The summary of a CI run, made of the gate's reports."""

import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.text import Text

from ci.cost.baseline import Group
from ci.cost.command import content_of
from ci.cost.comparison import compare
from ci.cost.figures import COUNTED, assemble
from ci.examination import summary
from ci.examination.verdict import judge
from ci.reports.console import console_on
from ci.reports.reporter import Reporter
from ci.reports.step_summary import MOST_ROWS, markdown
from ci.reports.step_summary import summary as summary_of_all
from ci.speed import command as speed
from tests.contract import Rule
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.examine.selection import Selection
from tests.self import commands

NOTHING_COUNTED = {
    "versions": {"python": "3.13", "torch": "2.13", "triton": "3.7"},
    "growing": {},
    **dict.fromkeys(("calls", "variants", "not_taken", "refused", "failed"), ()),
}
MACHINE = {"python": "3.12", "torch": "2.11", "triton": "3.6", "gpus": ["NVIDIA H100", "NVIDIA H100"]}

RIGHT = Examined("lengths/one", right=("get_k",))


def _examined(*results: Examined) -> dict:
    verdict = judge(results)
    return _reported("examination", summary.content(verdict, Selection(), MACHINE), verdict.decision)


def test_a_clean_examination():
    text = markdown("examination.json", _examined(RIGHT, Examined("pools/huge", not_run="no GPU")))
    assert text == (
        "## ✅ examination: clean\n\n"
        "own · strict contract · 1 case examined, 1 not run · NVIDIA H100 · torch 2.11 · triton 3.6 · 0 s\n"
    )


def test_findings_are_a_table():
    finding = Finding(rule=Rule(1), case="lengths/one", function="get_k", message="row 0: K is page 3 | token 9")
    text = markdown("examination.json", _examined(Examined("lengths/one", (finding,))))
    assert text.startswith("## ❌ examination: findings\n")
    assert "| rule | cases | functions | what |\n| --- | --- | --- | --- |\n" in text
    assert "| 1 | lengths/one | get\\_k | row 0: K is page 3 \\| token 9 |" in text


def test_many_findings_are_counted():
    findings = tuple(Finding(rule=Rule(1), case="a/b", function="get_k", message=f"row {row}") for row in range(100))
    text = markdown("examination.json", _examined(Examined("a/b", findings)))
    assert text.count("| 1 | a/b |") == MOST_ROWS
    assert f"and {100 - MOST_ROWS} more, see the report" in text


def test_what_could_not_be_decided():
    text = markdown("examination.json", _examined(Examined("lengths/one", undecided="it timed out")))
    assert text.startswith("## ⚠️ examination: undecided\n")
    assert "Could not decide:\n\n- lengths/one: it timed out\n" in text


def test_what_is_alike_is_told_once():
    findings = [
        Finding(Rule(4), f"lengths/{n}", function, f"row {n} is wrong", fault="wrong row")
        for n in range(3)
        for function in ("get_k", "get_s")
    ]
    results = [Examined(found.case, (found,), notes=("a GPU was pretended",), refused=("get_k",)) for found in findings]
    text = markdown("x.json", _examined(*results, *(Examined(f"pools/{n}", undecided="needs a GPU") for n in range(2))))
    assert text.count("| 4 |") == 1
    assert "| 4 | lengths/0 and 2 more | get\\_k, get\\_s | row 0 is wrong |" in text
    assert "- pools/0 and 1 more: needs a GPU\n" in text
    assert text.count("a GPU was pretended") == 1
    assert "3 cases examined, 3 refused" in text


def test_latency_tells_slower_cells_first_and_counts_the_rest():
    cells = [
        {"cell": "1x4k/get_k", "verdict": "SAME", "ratio": 1.001, "interval": [0.997, 1.004], "reason": "within 1 %"},
        {"cell": "1x1m/get_k", "verdict": "FASTER", "ratio": 0.9, "interval": [0.89, 0.91], "reason": "clear"},
        {"cell": "1x8k/get_k", "verdict": "SLOWER", "ratio": 1.052, "interval": [1.041, 1.06], "reason": "code grew"},
        {"cell": "1x9k/get_k", "verdict": "INCONCLUSIVE", "ratio": None, "interval": None, "reason": "clock moved"},
        {"cell": "1x2k/get_k", "verdict": "SAME", "reason": "identical machine code and launch"},
    ]
    text = markdown("out/latency.json", {"verdict": "findings", "base": "HEAD~1", "cells": cells, "seconds": 40})
    rows = [line for line in text.splitlines() if line.startswith("| 1x")]
    assert rows == [
        "| 1x8k/get\\_k | SLOWER | +5.2 % | +4.1 % to +6.0 % | code grew |",
        "| 1x9k/get\\_k | INCONCLUSIVE |  |  | clock moved |",
        "| 1x1m/get\\_k | FASTER | -10.0 % | -11.0 % to -9.0 % | clear |",
    ]
    assert "5 cells: 2 SAME, 1 FASTER, 1 SLOWER, 1 INCONCLUSIVE" in text
    assert "against HEAD\\~1 · 40 s" in text


def _jobs() -> Iterator[tuple[str, dict, str]]:
    """Yield a report of each job, made as the job makes it, and how its summary begins."""
    yield "examination", _examined(RIGHT), "✅ x: clean"
    finding = Finding(rule=Rule(1), case="lengths/one", function="get_k", message="no")
    yield "examination", _examined(Examined("lengths/one", (finding,))), "❌ x: findings"
    yield "examination", _examined(Examined("lengths/one", undecided="no")), "⚠️ x: undecided"
    measured = assemble("own", NOTHING_COUNTED, [], {"calls": [], "uncounted": []})
    same = {name: Group(measured.versions, figures) for name, figures in measured.figures().items()}
    for accepted, title in (
        (None, "✅ x: not compared"),
        (same, "✅ x: same"),
        ({**same, COUNTED: Group({}, {"launches": 1})}, "❌ x: changed"),
    ):
        result = compare(measured, accepted)
        content, verdict = content_of(measured, result), result.verdict
        yield "cost", _reported("cost", content, verdict.decision, verdict.value), title
    yield (
        "speed",
        _reported("speed", speed.content({"machine": {"gpu": "H100"}, "workloads": []}, [], []), 0),
        "✅ x: clean",
    )
    for exit_code, title in ((0, "✅ x: clean"), (1, "❌ x: findings"), (2, "⚠️ x: undecided")):
        yield "latency", _reported("latency", {"cells": []}, exit_code), title


def _reported(kind: str, content: dict, exit_code: int, verdict: str = "") -> dict:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        reporter = Reporter(kind, path, console_on(io.StringIO()))
        assert reporter.told(content, exit_code, Text(""), verdict) == exit_code
        return json.loads(path.read_text())


@pytest.mark.parametrize(("kind", "report", "title"), [pytest.param(*job, id=f"{job[0]}-{job[2]}") for job in _jobs()])
def test_the_report_of_each_job_is_understood(kind, report, title):
    told = json.loads(json.dumps(report))
    assert markdown("x.json", told).startswith(f"## {title}\n")
    assert [*told][:5] == ["report", "schema", "verdict", "exit_code", "seconds"]
    assert (told["report"], told["schema"]) == (kind, 1)


def test_what_a_pull_request_writes_stays_text():
    nasty = "<img src=x> [a](http://b) @somebody `x`\n# head\n::error::\x1b[2J\u202e | a"
    text = markdown("x.json", {"verdict": "findings", "findings": [{"rule": 1, "case": nasty, "message": nasty}]})
    assert (
        "\\<img src=x\\> \\[a\\](http://b) @\u200bsomebody \\`x\\` \\# head ::error::\\\\x1b\\[2J\\\\u202e \\| a"
        in text
    )
    assert "\n# head" not in text


def test_reports_that_are_not_there_or_broken_are_told(tmp_path):
    (tmp_path / "good.json").write_text(json.dumps({"verdict": "clean", "exit_code": 0}))
    (tmp_path / "torn.json").write_text('{"verdict": "cl')
    (tmp_path / "odd.json").write_text('{"verdict": "clean", "exit_code": 0, "cells": ["x"]}')
    (tmp_path / "list.json").write_text("[]")
    names = [str(tmp_path / f"{name}.json") for name in ("good", "missing", "torn", "list", "odd")]
    done = commands.python("-S", "-m", "ci.reports.step_summary", *names)
    assert done.returncode == 0, done.stderr
    assert "## ✅ good: clean" in done.stdout
    assert "missing.json\n\nThere is no report: the gate did not get that far." in done.stdout
    assert "## ⚠️ torn: undecided" in done.stdout
    assert "the report cannot be read" in done.stdout
    assert "the report is no JSON object" in done.stdout
    assert "## ⚠️ odd: undecided" in done.stdout
    assert "the report is none of this project's" in done.stdout


def test_no_reports_at_all_is_bad_usage():
    done = commands.python("-m", "ci.reports.step_summary")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_summary_of_many_reports_is_short_and_tells_first_what_was_found():
    findings = [{"rule": 4, "case": f"lengths/{n}", "function": "get_k", "message": f"{n}"} for n in range(100)]
    clean = {"report": "speed", "exit_code": 0, "verdict": "clean"}
    reports: dict = {
        **{f"rows/gate-{n}/speed.json": clean for n in range(30)},
        "rows/gate-1/latency.json": None,
        "rows/gate-1/examination.json": {"exit_code": 1, "verdict": "findings", "findings": findings},
        "rows/gate-1/run.json": {"report": "run", "exit_code": 1},
    }
    lines = summary_of_all(reports).splitlines()
    assert len(lines) < 60
    titles = [line for line in lines if line.startswith("## ")]
    assert titles[0] == "## ❌ examination: findings"
    assert "latency" in titles[1]
    assert lines[-1].endswith("more lines, see the page among the artifacts")
