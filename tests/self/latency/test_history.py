"""History: what is kept of a run, on which machine it is found again, and what damaged files cost."""

import json
import math
import multiprocessing
import random
import time
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from tests.calls.files import NotWritten
from tests.latency.history import History, NoHistory
from tests.latency.samples import Cell, CellSamples, Draw
from tests.latency.storage import WholeFiles, key_of, read, read_all, save
from tests.latency.stored_run import SCHEMA, Run, Said, StoredCell
from tests.self.latency.runs import H100, HOST, LONG, SHORT, run, series, stored

OTHERS = {
    "gpu": replace(H100, gpu="NVIDIA H200"),
    "driver": replace(H100, driver="580.1"),
    "torch": replace(H100, torch="2.13.0"),
    "triton": replace(H100, triton="3.7.1"),
    "cuda": replace(H100, cuda="13.0"),
    "python": replace(H100, python="3.11"),
}


class TestRatios:
    """From samples to what is kept."""

    def test_ratios_are_to_the_twin_of_the_same_draw(self):
        draws = (Draw((9e-6,), (2e-6, 2e-6, 8e-6)), Draw((9e-6,), (4e-6,)))
        twin = (Draw((1e-6,), (1e-6,)), Draw((4e-6, 4e-6), (4e-6,)))
        kept = StoredCell.of(CellSamples(LONG, draws, {"twin": twin, "empty": ()}), moved_bytes=6)
        assert kept.log_to_twin == pytest.approx((math.log(2), 0.0))
        assert (kept.seconds, kept.gb_per_s, kept.ratio_to_copy) == (3e-6, pytest.approx(0.002), None)

    def test_the_twin_may_be_missing(self):
        assert StoredCell.of(CellSamples(SHORT, (Draw((1e-6,), (1e-6,)),), {})).log_to_twin == ()

    def test_what_does_not_belong_together_is_refused(self):
        one = (Draw((1e-6,), (1e-6,)),)
        with pytest.raises(ValueError, match=r"1x1m/get_k_and_s: twin: expected 2 draws, got 1"):
            StoredCell.of(CellSamples(LONG, one * 2, {"twin": one}))

    @pytest.mark.parametrize("seconds", [0.0, -1e-6, math.nan, math.inf])
    def test_what_is_no_duration_is_refused(self, seconds):
        with pytest.raises(ValueError, match="head: expected finite seconds above 0"):
            StoredCell.of(CellSamples(LONG, (Draw((1e-6,), (seconds,)),)))


def test_a_run_comes_back_as_it_was(tmp_path):
    cell = replace(stored(0.01, -0.02), said=Said("SLOWER", 1.05, (1.04, 1.06)), cost={"registers": 32})
    kept = run({LONG: cell, HOST: StoredCell((3e-5,))}, base="main", verdict="findings", condition={"sm_mhz": 1980})
    history = History(H100, tmp_path)
    name = history.add(kept)
    history.certify({"power": [0.99]}, "c" * 40)
    again = History(H100, tmp_path)
    assert again.runs() == ((replace(kept, name=name),), ())
    assert again.certificate() == {"power": [0.99]}
    assert (again.certificate_name() or "").endswith(" cccccccccc")


def test_runs_are_kept_and_read_back_by_cell(tmp_path):
    history = History(H100, tmp_path)
    history.add(run({LONG: stored(0.1), SHORT: stored(0.7)}))
    history.add(run({LONG: stored(0.2)}, implementation="sglang"))
    history.add(run({LONG: stored(0.3)}, twin="t2"))
    history.add(run({LONG: stored(0.4)}))
    history.add(run({LONG: stored(0.5)}, base="main"))
    history.add(run({LONG: stored(0.6)}, verdict="findings"))
    assert history.baseline("own", "t1", LONG) == [pytest.approx((0.1,), abs=1e-5), pytest.approx((0.4,), abs=1e-5)]
    assert history.baseline("own", "t1", SHORT) == [pytest.approx((0.7,), abs=1e-5)]
    assert [run.name[:5] for run in history.runs()[0]] == [f"000{number}_" for number in range(1, 7)]


def test_the_newest_certificate_is_valid(tmp_path):
    history = History(H100, tmp_path)
    assert history.certificate() is None
    for number in (1, 2):
        history.certify({"number": number}, "c")
    assert history.certificate() == {"number": 2}
    assert history.runs() == ((), ()), "it is no run"


class TestOtherMachines:
    """A baseline of another machine is none."""

    @pytest.mark.parametrize("what", list(OTHERS))
    def test_each_part_of_the_key_counts(self, tmp_path, what):
        History(OTHERS[what], tmp_path).add(run())
        history = History(H100, tmp_path)
        assert history.runs()[0] == ()
        with pytest.raises(NoHistory) as error:
            history.baseline("own", "t1", LONG)
        assert str(error.value) == f"no history for {H100}; there is for {OTHERS[what]}"

    def test_folders_can_be_read_by_people(self):
        name = key_of(H100)
        assert name.startswith("NVIDIA-H100-80GB-HBM3-570.86.15-torch2.11.0-cu129-triton3.6.0-")
        assert len({key_of(machine) for machine in [H100, *OTHERS.values()]}) == 1 + len(OTHERS)

    def test_no_history_at_all(self, tmp_path):
        with pytest.raises(NoHistory, match=r"^no history for NVIDIA H100 .*, nor for any other machine$"):
            History(H100, tmp_path).baseline("own", "t1", LONG)

    def test_no_history_of_this_cell(self, tmp_path):
        history = History(H100, tmp_path)
        history.add(run())
        with pytest.raises(NoHistory, match=r"^no history of 1x8k/get_k of own for NVIDIA H100"):
            history.baseline("own", "t1", SHORT)
        with pytest.raises(NoHistory, match=r"^no history of 1x1m/get_k_and_s of own"):
            history.baseline("own", "another twin", LONG)

    def test_a_file_in_another_machines_folder_is_left_out(self, tmp_path):
        save(tmp_path / key_of(H100), "moved", run().as_json(OTHERS["gpu"]))
        assert History(H100, tmp_path).runs() == ((), ("0001_moved.json: foreign, it is of another machine",))


def _changed(path: tuple[object, ...], value: object) -> str:
    content = run().as_json(H100)
    inner = content
    for step in path[:-1]:
        inner = inner[step]  # type: ignore[index]
    inner[path[-1]] = value  # type: ignore[index]
    return json.dumps(content)


INFO = ("benchmarks", 0, "extra_info")


class TestDamaged:
    """What cannot be read or written is told, and never a traceback."""

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "not JSON, it was not written whole"),
            (_changed(INFO, {})[:-30], "not JSON, it was not written whole"),
            ("[" * 100_000, "not a run: too deep"),
            ("[]", "not a run: TypeError"),
            ("7", "not a run: TypeError"),
            ("{}", "not a run: KeyError: 'benchmarks'"),
            (_changed(INFO, {}), "foreign, it holds no cell of this gate"),
            (_changed(("benchmarks",), []), "foreign, it holds no cell of this gate"),
            (_changed((*INFO, "schema"), SCHEMA + 1), f"written by a later version of the gate (schema {SCHEMA + 1})"),
            (_changed((*INFO, "schema"), "x"), "not a run: TypeError"),
            (_changed((*INFO, "draws", "head"), [2e-5, -1.0]), "not a run: ValueError: head: expected finite seconds"),
            (_changed((*INFO, "draws", "head"), []), "not a run: ValueError: head: expected some draws"),
            (_changed((*INFO, "draws", "twin"), [2e-5]), "not a run: ValueError: twin: expected 2 draws, got 1"),
            (_changed((*INFO, "cell"), {"workload": "1x1m"}), "not a run: TypeError"),
            (_changed((*INFO, "run", "implementation"), 7), "not a run: TypeError: implementation: expected a text"),
            (_changed((*INFO, "run"), None), "not a run: TypeError"),
            (_changed(("machine_info",), {"node": "x"}), "foreign, it names no machine"),
        ],
    )
    def test_a_damaged_or_foreign_file_is_left_out_and_told(self, tmp_path, text, why):
        history = History(H100, tmp_path)
        name = history.add(run())
        (history.folder / "0002_damaged.json").write_text(text)
        runs, (told,) = history.runs()
        assert [run.name for run in runs] == [name]
        assert told.startswith(f"0002_damaged.json: {why}")
        assert history.add(run())[:4] == "0003"

    def test_a_folder_in_place_of_a_file_is_told(self, tmp_path):
        history = History(H100, tmp_path)
        (history.folder / "0001_x.json").mkdir(parents=True)
        (history.folder / "certificate" / "certificate.json").mkdir(parents=True)
        assert history.left_out() == (
            "0001_x.json cannot be read: Is a directory",
            "certificate.json cannot be read: Is a directory",
        )
        with pytest.raises(NoHistory):
            history.baseline("own", "t1", LONG)

    def test_a_folder_that_is_a_file_is_told(self, tmp_path):
        History(H100, tmp_path).folder.write_text("x")
        with pytest.raises(NotWritten, match=r"cannot write the history .*: File exists"):
            History(H100, tmp_path).add(run())

    def test_a_certificate_of_brackets_is_told(self, tmp_path):
        history = History(H100, tmp_path)
        history.certify({}, None)
        (history.folder / "certificate" / "certificate.json").write_text("[" * 100_000)
        assert history.certificate() is None
        assert history.left_out() == ("certificate.json: not a certificate: too deep",)

    def test_numbers_that_json_has_not_are_not_written(self, tmp_path):
        history = History(H100, tmp_path)
        with pytest.raises(ValueError, match="not JSON compliant"):
            history.add(run(seconds=math.nan))
        assert history.runs() == ((), ())


def test_pytest_benchmark_reads_what_the_gate_stored(tmp_path):
    history = History(H100, tmp_path)
    for one in series(2):
        history.add(one)
    history.certify({}, None)
    storage = WholeFiles(tmp_path, _NoLogger(), key_of(H100))
    loaded = [path.name for path, _ in storage.load()]
    assert loaded == [run.name + ".json" for run in history.runs()[0]]
    names = {benchmark["fullname"] for benchmark in storage.load_benchmarks()}
    assert names == {f"tests/test_latency.py::test_latency[{cell}]" for cell in ("1x1m-get_k_and_s", "1x8k-get_k")}


def test_all_machines_are_read(tmp_path):
    for machine in (H100, OTHERS["gpu"]):
        History(machine, tmp_path).add(run())
    (tmp_path / key_of(H100) / "0002_x.json").write_text("")
    machines, left_out = read_all(tmp_path)
    assert {machine: len(runs) for machine, runs in machines.items()} == {H100: 1, OTHERS["gpu"]: 1}
    assert left_out == (f"{key_of(H100)}/0002_x.json: not JSON, it was not written whole",)
    assert read_all(tmp_path / "absent") == ({}, ())


class _NoLogger:
    def info(self, *told):
        pass

    warning = info


def _append(folder: str, count: int, seed: int, told: str) -> None:
    history = History(H100, Path(folder))
    with open(told, "a", buffering=1) as file:
        for number in range(count):
            name = history.add(run({Cell(f"{seed}", "get_k"): stored(0.01, -0.02)}, when=float(number)))
            file.write(name + "\n")


def _killed_while_appending(folder: Path, processes: int, runs: int, kills: int) -> None:
    """Have processes append runs, and kill each now and then; it is then started anew for what is left."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.latency.history", "tests.self.latency.runs"])
    rng = random.Random(1)
    told = [folder / f"told_{number}" for number in range(processes)]
    for path in told:
        path.touch()

    def start(number: int) -> ForkServerProcess:
        left = runs - len(told[number].read_text().split("\n")[:-1])
        worker = context.Process(target=_append, args=(str(folder / "store"), left, number, str(told[number])))
        worker.start()
        return worker

    workers = [start(number) for number in range(processes)]
    for _ in range(kills):
        time.sleep(rng.uniform(0.01, 0.1))
        victim = rng.randrange(processes)
        if workers[victim].is_alive():
            workers[victim].kill()
            workers[victim].join()
            workers[victim] = start(victim)
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    _, kept, left_out = read(folder / "store" / key_of(H100))
    names = [name for path in told for name in path.read_text().split("\n")[:-1]]
    assert left_out == (), "half a run was read"
    assert len(names) == len(set(names)) >= processes * runs
    assert set(names) <= {run.name for run in kept}, "a run that was reported as stored is lost"


def test_killed_writers_lose_nothing_and_leave_no_half_run(tmp_path):
    _killed_while_appending(tmp_path, processes=3, runs=25, kills=5)


@pytest.mark.long
def test_many_killed_writers_lose_nothing_and_leave_no_half_run(tmp_path):
    _killed_while_appending(tmp_path, processes=8, runs=200, kills=40)


def test_what_run_from_json_reads_is_what_pytest_wrote():
    content = run().as_json(H100)
    content["benchmarks"].append({"extra_info": {}})
    assert Run.from_json(content) == run(), "a benchmark of somebody else beside is none of the run's cells"
