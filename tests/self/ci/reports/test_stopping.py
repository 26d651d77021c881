"""Jobs that are ended before their time: undecided, told, and nobody is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ci.reports.stopping import Stopped
from ci.setup.start import start_gate
from tests.calls.errors import Foreseen
from tests.self import commands
from tests.self.ci.test_processes import ends_within, is_alive
from tests.self.commands import GATE

SLOW = """
import os, pathlib, time

def get_k(*arguments):
    pathlib.Path({called!r}).write_text(str(os.getpid()))
    time.sleep(120)
"""
EXAMINE = ("--device", "cpu", "-n", "1", "--case", "lengths/page")
SECONDS_TO_START = 60


class Job:
    """A gate that has come to the examined code. A context."""

    def __init__(self, folder: Path, arguments: tuple[str, ...]) -> None:
        called, slow = folder / "called", folder / "slow.py"
        slow.write_text(SLOW.format(called=str(called)))
        self.report = folder / "report.json"
        command = [sys.executable, str(GATE), *arguments, "--impl", str(slow), "--json", str(self.report)]
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + SECONDS_TO_START
        while not (called.exists() and called.read_text()):
            assert time.monotonic() < end, "it did not start"
            time.sleep(0.05)
        self.worker = int(called.read_text())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("arguments", [EXAMINE, ("cost",)], ids=["examination", "cost"])
def test_a_signal_makes_a_job_undecided_and_leaves_nobody(tmp_path, arguments, number):
    with Job(tmp_path, arguments) as job:
        job.process.send_signal(number)
        output, errors = job.process.communicate(timeout=20)
        assert ends_within(2, job.worker)
        assert job.process.returncode == 2, output + errors
        assert output.splitlines()[-1].startswith("UNDECIDED")
        report = json.loads(job.report.read_text())
        assert (report["verdict"], report["exit_code"]) == ("undecided", 2)
        assert f"ended by {number.name}" in str(report["undecided"])


def test_a_signal_ends_the_workers_before_the_report(tmp_path):
    with Job(tmp_path, EXAMINE) as job:
        job.process.send_signal(signal.SIGTERM)
        assert ends_within(2, job.worker)


@pytest.mark.parametrize("arguments", [EXAMINE, ("cost",)], ids=["examination", "cost"])
def test_nobody_outlives_a_job_that_is_killed(tmp_path, arguments):
    with Job(tmp_path, arguments) as job:
        assert is_alive(job.worker)
        os.kill(job.process.pid, signal.SIGKILL)
        job.process.wait()
        assert ends_within(2, job.worker)


def test_a_reader_that_goes_away_is_no_verdict(tmp_path):
    gate = f"{sys.executable} {GATE} {' '.join(EXAMINE)} --impl torch --json report.json"
    done = commands.run("bash", "-c", f"{gate} | head -1; exit ${{PIPESTATUS[0]}}", folder=tmp_path)
    assert done.returncode == 2
    assert "CLEAN" not in done.stdout
    assert done.stderr == "gate: the output cannot be written: Broken pipe\n"
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "undecided"


@pytest.mark.parametrize("job", [(*EXAMINE, "--impl", "torch"), ("--list",)], ids=["examination", "list"])
@pytest.mark.parametrize("output", [">&-", "> /dev/full"])
def test_output_that_is_not_there_is_no_verdict(tmp_path, job, output):
    done = commands.run("bash", "-c", f"{sys.executable} {GATE} {' '.join(job)} {output}", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("gate: ")


def test_an_implementation_is_no_place_for_a_report(tmp_path):
    path = tmp_path / "p.py"
    path.write_text("def get_k(*arguments): ...\n")
    done = commands.gate("--impl", "p.py", "--json", "p.py", folder=tmp_path)
    assert done.returncode == 2
    assert "--json: will not write p.py: what is there is no earlier report" in done.stderr
    assert path.read_text() == "def get_k(*arguments): ...\n"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("a fault\nof several lines"), "gate: the harness failed: RuntimeError: a fault\n"),
        (Foreseen("the GPU is busy"), "gate: the GPU is busy\n"),
        (Stopped("ended by SIGTERM"), "gate: ended by SIGTERM, nothing is decided\n"),
    ],
)
def test_what_no_job_catches_is_no_finding(monkeypatch, capsys, error, told):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr("ci.setup.start._continue_under", fail)
    monkeypatch.setattr("ci.setup.start.stop_on_signals", lambda: None)
    assert start_gate(["gate", "--list"]) == 2
    assert capsys.readouterr().err.endswith(told)
