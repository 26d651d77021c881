"""`ci/gate` from the outside: its exit code, what it prints, its report. Plus the pure parts of what it prints."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ci import options
from ci.examination import nursery, summary
from ci.examination import run as examination_run
from ci.examination.command import listing
from ci.examination.verdict import STOPPED_EARLY, judge
from tests import ROOT
from tests.calls.errors import Foreseen
from tests.cases.case import Case
from tests.examine.examined import Examined
from tests.examine.selection import Selection

GATE = ROOT / "ci" / "gate"
PLANTED = '''
import ctypes, os, signal, time
import torch

def get_k_and_s(buf, page_indices, seq_lens, seq_len_sum, max_seq_len, page_size, index_head_dim):
    """Right but for: a wrong last page of 65 tokens, a crash on 127, an end from outside on 128, a hang on 129."""
    if seq_len_sum == 127:
        ctypes.string_at(0)
    if seq_len_sum == 128:
        os.kill(os.getpid(), signal.SIGKILL)
    if seq_len_sum == 129:
        time.sleep(600)
    keys = buf[:, : page_size * index_head_dim].unflatten(1, (page_size, index_head_dim))
    scales = buf[:, page_size * index_head_dim :].unflatten(1, (page_size, 4))
    tokens = torch.arange(int(seq_len_sum))
    pages = page_indices[0, tokens // page_size].long()
    if seq_len_sum == 65:
        pages[-1] = pages[0]
    return keys[pages, tokens % page_size], scales[pages, tokens % page_size]
'''


@dataclass(frozen=True)
class Run:
    """A run of the gate that is over."""

    code: int
    output: str
    report: Mapping[str, Any]

    @property
    def last_line(self) -> str:
        return self.output.strip().splitlines()[-1]


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    path = tmp_path / "planted.py"
    path.write_text(PLANTED)
    return path


def environment() -> dict[str, str]:
    """This process's, without what pytest put there and what would turn colours on."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "FORCE_COLOR", "TRITON_INTERPRET"))}


def gate(folder: Path, *arguments: object) -> Run:
    report = folder / "report.json"
    command = [sys.executable, GATE, "--device", "cpu", "-n", "1", "--json", report, *arguments]
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment(), capture_output=True, text=True, timeout=280, check=False
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Run(done.returncode, done.stdout + done.stderr, json.loads(report.read_text()) if report.is_file() else {})


def test_clean_implementation(tmp_path):
    cases = ["bad-arguments/max-seq-len-negative", "bad-arguments/page-size-zero", "bad-arguments/buf-int8"]
    cases += ["lengths/one-token", "lengths/65536"]
    run = gate(tmp_path, *(option for case in cases for option in ("--case", case)), "--quick")
    assert run.code == 0, run.output
    assert run.last_line.startswith("CLEAN: own keeps the strict contract on 4 cases, 1 not run")
    assert re.search(r"bad-arguments +3 +3 +- +-", run.output)
    assert re.search(r"1  heavy: left out of a quick run", run.output)
    assert "\x1b" not in run.output
    assert run.report["verdict"] == "clean"
    assert run.report["findings"] == run.report["undecided"] == []
    assert run.report["cases"]["not_run"] == {"heavy: left out of a quick run": 1}
    assert run.report["machine"]["device"] == "cpu"


def test_findings_a_crash_and_an_end_from_outside_cost_a_case_each(tmp_path, planted):
    cases = ("lengths/page*", "lengths/two-pages-minus-one", "lengths/two-pages")
    run = gate(
        tmp_path, "--impl", planted, "--contract", "trusting", *(word for case in cases for word in ("--case", case))
    )
    assert run.code == 1, run.output
    counts = {"examined": 4, "clean": 2, "with_findings": 2, "undecided": 1, "refused": 0, "not_run": {}}
    assert run.report["cases"] == counts
    crash, wrong = (
        [found["message"] for found in run.report["findings"] if found["case"] == case]
        for case in ("lengths/two-pages-minus-one", "lengths/page-plus-one")
    )
    assert len(crash) == 1
    assert "SIGSEGV" in crash[0]
    assert wrong[0].startswith("1 of 65 rows of K are wrong: row 64 (sequence 0, token 64)")
    assert {(found["rule"], found["function"]) for found in run.report["findings"]} == {(4, "get_k_and_s")}
    assert [item["case"] for item in run.report["undecided"]] == ["lengths/two-pages"]
    for text in (crash[0], wrong[0], "rule 4  lengths/page-plus-one  get_k_and_s", "any lengths and batches"):
        assert text in run.output
    again = f"{sys.executable} {GATE} --impl {planted} --contract trusting --device cpu --case lengths/page-plus-one"
    assert f"replay: {again}\n" in run.output
    assert "breaks rule 4 of the trusting contract" in run.last_line


def test_fail_fast_stops_at_the_first_finding(tmp_path, planted):
    run = gate(
        tmp_path, "--impl", planted, "--fail-fast", "--case", "lengths/*-plus-one", "--case", "bad-arguments/buf-*"
    )
    assert run.code == 1, run.output
    assert run.report["cases"]["not_run"][STOPPED_EARLY] > 0
    assert run.report["cases"]["examined"] < 5


def test_what_cannot_be_examined_is_told_in_a_sentence(tmp_path):
    crashing = tmp_path / "crashing.py"
    crashing.write_text("import ctypes\nctypes.string_at(0)\n")
    run = gate(tmp_path, "--impl", crashing, "--case", "lengths/page")
    assert run.code == 2
    assert run.last_line.startswith(f"UNDECIDED: --impl {crashing}: its import: the process was ended by SIGSEGV")
    assert run.report["verdict"] == "undecided"
    assert run.report["cases"]["examined"] == 0

    run = gate(tmp_path, "--impl", "no.such.module")
    assert run.code == 2
    assert "there is no such module" in run.last_line

    run = gate(tmp_path, "--case", "lengths/page", "--case", "no-family/*")
    assert run.code == 2
    assert "--case no-family/*: no case matches" in run.last_line


def test_an_interrupt_ends_politely_with_what_is_known(tmp_path):
    report, called = tmp_path / "report.json", tmp_path / "called"
    slow = tmp_path / "slow.py"
    slow.write_text(
        f"""
import pathlib, time, torch
def get_k(buf, page_indices, seq_lens, seq_len_sum, *rest):
    if seq_len_sum == 1:
        pathlib.Path({str(called)!r}).touch()
        time.sleep(60)
    return torch.zeros((seq_len_sum, 128), dtype=torch.uint8)
""",
        encoding="utf-8",
    )
    options = ("--impl", slow, "--contract", "trusting", "--case", "lengths/page", "--case", "lengths/one-token")
    command = [sys.executable, str(GATE), "--device", "cpu", "-n", "1", *map(str, options), "--json", str(report)]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background job, as a CI's may be, is born deaf to it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 100
    while not called.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)  # the earlier case's report is on its way
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=50)
    assert process.returncode == 2, output
    told = "UNDECIDED: interrupted after 1 of 2 cases; findings so far: 1 (rule 4)"
    assert output.strip().splitlines()[-1].startswith(told)
    known = json.loads(report.read_text())
    assert (known["verdict"], known["exit_code"]) == ("undecided", 2)
    assert [found["case"] for found in known["findings"]] == ["lengths/page"]


def test_a_hook_that_raises_in_a_worker_is_no_clean_run(tmp_path, monkeypatch):
    (tmp_path / "raising.py").write_text(
        """
import os
def pytest_runtest_logstart():
    if "PYTEST_XDIST_WORKER" in os.environ:
        raise RuntimeError("planted")
"""
    )
    (tmp_path / "sitecustomize.py").write_text("import os\nos.environ['PYTEST_PLUGINS'] = 'raising'\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = gate(tmp_path, "--impl", "torch", "--case", "lengths/page")
    assert run.code == 2, run.output
    assert run.last_line.startswith("UNDECIDED: pytest failed: RuntimeError: planted")
    assert {"case": "lengths/page", "reason": "a test was collected for it, but never reported"} in run.report[
        "undecided"
    ]


def test_a_wrong_signature_is_one_sentence(tmp_path):
    path = tmp_path / "three.py"
    path.write_text("def get_k(buf, page_indices, seq_lens):\n    return buf\n")
    run = gate(
        tmp_path, "--impl", path, "--contract", "safe", "--case", "lengths/page*", "--case", "bad-arguments/buf-*"
    )
    assert run.code == 2
    assert run.last_line.startswith("UNDECIDED: every call raised TypeError: get_k() takes 3 positional arguments")
    assert "expected a gather that is called with the seven positional arguments buf, page_indices" in run.last_line
    assert run.output.count("TypeError") == 1
    assert (run.report["findings"], run.report["cases"]["examined"]) == ([], 0)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--contract", "nice"], "--contract"),
        (["--device", "tpu"], "--device"),
        (["--seeds", "-1"], "--seeds"),
        (["--seeds-from", "x"], "--seeds-from"),
        (["--workers", "0"], "-n/--workers"),
        (["--json", "/no/such/folder/report.json"], "--json"),
        (["--json", "."], "--json"),
        (["--impl"], "--impl"),
        (["--cas", "x"], "--cas"),
        (["cots"], "'cots' is no job"),
        (["--seeds", "100001"], "--seeds"),
        (["--memory", "mine"], "--memory"),
        (["--list", "--json", "x"], "--json"),
        (["--list", "--device", "cpu"], "--device"),
        (["sanitize", "--timeout", "inf"], "--timeout"),
        (["sanitize", "--timeout", "0"], "--timeout"),
        (["certify", "--base", "main"], "--base"),
    ],
)
def test_bad_usage_names_the_argument(capsys, arguments, named):
    with pytest.raises(SystemExit) as exit_info:
        options.parse(arguments)
    assert exit_info.value.code == 2
    assert named in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("flags", [job.formerly for job in options.JOBS if job.formerly], ids=str)
def test_an_option_that_was_a_job_ends_with_the_command_of_today(flags, capsys):
    for flag, words in flags.items():
        for arguments in ([flag], [f"{flag}=x"], ["--impl", "own", flag]):
            with pytest.raises(SystemExit) as exit_info:
                options.parse(arguments)
            assert exit_info.value.code == 2
            assert capsys.readouterr().err == f"gate: {flag} is a job of its own now: ./ci/gate {words}\n"
        with pytest.raises(SystemExit) as told:
            options.parse([*words.replace(" N", " 3").split(), "--help"])
        assert told.value.code == 0


@pytest.mark.parametrize("job", options.JOBS, ids=lambda job: job.name)
def test_a_job_tells_its_options_and_an_example_that_it_takes(job, capsys):
    with pytest.raises(SystemExit) as exit_info:
        options.parse([job.name, "--help"])
    assert exit_info.value.code == 0
    assert f"example: ./ci/gate {job.example}\n" in capsys.readouterr().out
    assert options.parse(shlex.split(job.example))[0] is job


def test_without_a_job_cases_are_examined():
    assert options.parse([]) == options.parse(["examine"])
    assert options.parse([])[0] is options.EXAMINE


def test_listing_says_rules_and_places():
    case = Case(name="page", rules=(4, 10), seq_lens=(64,), family="lengths")
    cases = [case, replace(case, name="long", heavy=True), replace(case, name="huge", rules=(12,), needs_gpu="4 GiB")]
    assert listing(cases) == [
        "lengths/page  rules 4, 10  GPU and CPU",
        "lengths/long  rules 4, 10  GPU and CPU, there not with --quick",
        "lengths/huge  rules 12     GPU only: 4 GiB",
    ]


def test_many_undecided_cases_are_counted():
    verdict = judge([Examined(f"lengths/{n}", undecided=f"KeyError: {n}") for n in range(30)])
    lines = summary.undecided_lines(verdict)
    assert len(lines) == summary.UNDECIDED_NAMED + 1
    assert lines[-1] == "and 20 more"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("raise SystemExit(3)", "importing it failed: it raised SystemExit: 3 (my gather.py line 1)"),
        ("import ctypes\nctypes.string_at(0)", "its import: the process was ended by SIGSEGV: "),
        pytest.param(
            "import time\ntime.sleep(60)", "its import: the process said nothing for 30 s", marks=pytest.mark.long
        ),
        ("print('loud')\nraise KeyError(3)", "importing it failed: it raised KeyError: 3 (my gather.py line 2)"),
    ],
)
def test_implementation_that_cannot_be_looked_at(
    source: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nursery, "PATIENCE_SECONDS", 30)
    path = tmp_path / "my gather.py"
    path.write_text(source)
    with pytest.raises(Foreseen) as error, nursery.Nursery(Selection(str(path), device="cpu")) as asked:
        asked.ask()
    assert str(error.value).startswith(f"--impl {path}: {sentence}")


def test_a_new_log_takes_the_place_of_the_oldest(tmp_path, monkeypatch):
    monkeypatch.setattr(examination_run, "ROOT", tmp_path)
    folder = tmp_path / ".gate"
    folder.mkdir()
    names = ["20260101-000000-1.log", *(f"probe-{n}.log" for n in range(examination_run.LOGS_KEPT))]
    for age, name in enumerate(names):
        (folder / name).touch()
        os.utime(folder / name, (1000 - age, 1000 - age))
    assert examination_run.new_log().parent == folder
    assert {path.name for path in folder.iterdir()} == set(names[: examination_run.LOGS_KEPT - 1])
