"""The latency commands from end to end, with a measuring process that is played."""

import json
import random
from typing import ClassVar

import pytest

from ci.latency import certify, command, stage
from ci.latency.stage import Measured
from ci.options import parse
from ci.processes import CannotRun
from tests.latency.history import History
from tests.latency.machine import Machine
from tests.latency.samples import Cell, CellSamples, Draw
from tests.self.consoles import console

MACHINE = Machine("NVIDIA H100", "580.1", "2.11.0", "3.6.0", "13.0", "3.12")
CELLS = (Cell("1x8k", "get_k_and_s"), Cell("1x8k", "get_k"), Cell("1x128", "get_k_and_s", "host"))


def side(seconds, rng, replays=6):
    # A little scatter, so that the clock is not taken for a stuck one.
    return tuple(seconds * (1 + rng.uniform(-3e-4, 3e-4)) for _ in range(replays))


def played(order, machine=MACHINE, slower=()):
    """Return what a process would tell that measures as it is asked to."""
    cells = CELLS if order.cells is None else order.cells
    told = Measured(machine=machine.as_json(), twin="twin-1", seconds={"measuring": 20.0})
    for cell in cells:
        ratio = 1.05 if cell in slower else 1.0
        rng = random.Random(f"{order.seed} {cell.id}")
        count = range(order.draws or 24)
        draws = tuple(Draw(side(1e-5, rng), side(1e-5 * ratio, rng)) for _ in count)
        controls = {
            name: tuple(Draw(side(9e-6, rng, 2), side(9e-6, rng, 2)) for _ in count) for name in ("twin", "copy")
        }
        told.samples[cell] = CellSamples(cell, draws, controls)
    return told


class SpareProcess:
    """Stands for a process that is started ahead of time."""

    made: ClassVar[list["SpareProcess"]] = []

    def __init__(self, module, log):
        self.is_used = self.is_closed = False
        self.made.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.is_closed = True


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a command line of the gate in a folder of its own; returns exit code, output, and its JSON report."""
    monkeypatch.setattr(command, "PAGE", tmp_path / "latency.html")
    monkeypatch.setattr(command, "ROOT", tmp_path.parent)
    monkeypatch.setattr("tests.latency.history.FOLDER", tmp_path / "history", raising=True)

    def run_with(*arguments, process=played):
        def run_stage(order, on_step, on_measured=None, ready=None):
            told = process(order)
            if on_measured is not None:
                on_measured(told)
            if ready is not None:
                ready.is_used = True
            return told

        SpareProcess.made.clear()
        monkeypatch.setattr(stage, "Process", SpareProcess)
        monkeypatch.setattr(stage, "run", run_stage)
        report = tmp_path / "report.json"
        job, options = parse([*arguments, "--json", str(report)])
        on, output = console()
        code = (certify.main if job.name == "certify" else command.main)(options, ["./ci/gate"], on)
        return code, output.getvalue(), json.loads(report.read_text())

    return run_with


@pytest.fixture
def base(monkeypatch, tmp_path):
    folder = tmp_path / "base"
    (folder / "kernels").mkdir(parents=True)
    monkeypatch.setattr(command, "resolve", lambda name: name)
    monkeypatch.setattr(command, "extract", lambda revision: folder)
    return folder


def test_nothing_slower_is_exit_code_0(run, base, tmp_path):
    code, output, report = run("latency", "--base", "HEAD~1")
    assert code == 0
    assert "none of 3 cells is slower" in output.splitlines()[-1]
    assert report["verdict"] == "clean"
    assert "1x8k" in (tmp_path / "latency.html").read_text()
    assert not SpareProcess.made


def test_a_slower_cell_is_exit_code_1_and_named(run, base):
    code, output, report = run("latency", "--base", "HEAD~1", process=lambda order: played(order, slower=CELLS[:1]))
    assert code == 1
    assert "SLOWER 1x8k/get_k_and_s: +5.0 %" in output
    assert "confirming 1 flagged cells in a new process" in output
    assert output.rstrip().endswith("s: measuring 20, confirming 20)")
    assert report["phases"] == {"measuring": 20.0, "confirming": 20.0}
    (spare,) = SpareProcess.made
    assert spare.is_used
    assert spare.is_closed
    assert {cell["cell"]: cell["verdict"] for cell in report["cells"]}["1x8k/get_k_and_s"] == "SLOWER"


def test_a_base_that_differs_in_comments_only_asks_the_host_for_nothing(run, base, monkeypatch):
    orders = []

    def process(order):
        orders.append(order)
        return played(order)

    for is_same in (False, True):
        monkeypatch.setattr(command, "changed_files", lambda base, head, said=is_same: (["kernels/plan.py"], said))
        output = run("latency", "--base", "HEAD~1", process=process)[1]
        assert ("changed: kernels/plan.py (nothing that Python runs)" in output) is is_same
    assert [order.same_code for order in orders] == [False, True]
    assert all(order.check_identity for order in orders)


def test_a_process_that_cannot_measure_is_exit_code_2_in_one_line(run, base):
    def busy(order):
        raise CannotRun("the GPU is busy: process 7")

    code, output, report = run("latency", "--base", "HEAD~1", process=busy)
    assert code == 2
    assert output.splitlines()[-1].startswith("UNDECIDED: the GPU is busy: process 7 (")
    assert report["undecided"] == [{"case": None, "reason": "the GPU is busy: process 7"}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("latency", "--base", "HEAD", "--impl", "sglang"), "--base is about the project's kernels"),
        (("certify", "--impl", "my.py"), "unrecognized arguments: --impl my.py"),
        (("latency", "--history", "--quick"), "unrecognized arguments: --quick"),
        (("latency", "--history", "--base", "HEAD"), "not allowed with argument"),
        (("latency",), "one of the arguments --base --history is required"),
    ],
)
def test_what_would_be_ignored_or_misleading_is_refused(arguments, said, capsys):
    with pytest.raises(SystemExit) as caught:
        parse(arguments)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_history_begins_grows_and_decides(run):
    code, output, _ = run("latency", "--history")
    assert code == 2
    assert "no history" in output
    assert "this run is its first" in output
    for number in range(2, 6):
        code, output, _ = run("latency", "--history")
        assert code == 2, number
        assert "takes 5" in output
    code, output, _ = run("latency", "--history")
    assert code == 0, output


def test_a_history_of_another_gpu_is_told(run):
    run("latency", "--history")
    other = Machine("NVIDIA H200", "580.1", "2.11.0", "3.6.0", "13.0", "3.12")
    code, output, _ = run("latency", "--history", process=lambda order: played(order, other))
    assert code == 2
    assert "no history for NVIDIA H200" in output
    assert "there is for NVIDIA H100" in output


def test_a_certificate_counts_decisions_and_is_kept(run, monkeypatch):
    monkeypatch.setattr(certify, "PROCESSES", 2)
    code, output, report = run("certify")
    assert code == 0
    assert "the same code: 18 decisions, 18 SAME" in output
    assert set(report["planted"]) == {slowdown.name for slowdown in certify.SLOWDOWNS}
    kept = History(MACHINE).certificate()
    assert kept is not None
    assert [cell["cell"] for cell in kept["cells"]] == [cell.id for cell in CELLS]


def test_a_gate_that_calls_the_same_code_slower_is_not_certified_clean(run, monkeypatch):
    monkeypatch.setattr(certify, "PROCESSES", 2)
    code, output, _ = run("certify", process=lambda order: played(order, slower=CELLS[:1]))
    assert code == 1
    assert "12 SAME, 2 SLOWER after a flag" in output


def test_a_clock_that_stands_still_certifies_nothing(run, monkeypatch):
    monkeypatch.setattr(certify, "PROCESSES", 2)

    def stuck(order):
        told = played(order)
        for cell, samples in told.samples.items():
            draws = tuple(Draw((1e-5,) * 6, (1e-5,) * 6) for _ in samples.draws)
            told.samples[cell] = CellSamples(cell, draws, samples.controls)
        return told

    code, output, _ = run("certify", process=stuck)
    assert code == 2
    assert output.splitlines()[-1].startswith(
        "UNDECIDED: no certificate: groups: the clock of 1x8k/get_k_and_s returned"
    )


def test_a_flag_that_another_process_refutes_is_no_false_alarm(run, monkeypatch):
    monkeypatch.setattr(certify, "PROCESSES", 2)
    code, output, _ = run("certify", process=lambda order: played(order, slower=CELLS[: order.seed == 0]))
    assert code == 0
    assert "15 SAME, 1 SAME after a flag" in output


def test_a_process_that_is_not_needed_is_ended(run, base, monkeypatch):
    def fails(first, again):
        raise CannotRun("the rest was not told")

    monkeypatch.setattr(command, "judge", fails)
    code, _, _ = run("latency", "--base", "HEAD~1", process=lambda order: played(order, slower=CELLS[:1]))
    assert code == 2
    (spare,) = SpareProcess.made
    assert (spare.is_used, spare.is_closed) == (False, True)
