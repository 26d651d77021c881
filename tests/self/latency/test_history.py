"""History: what is kept of a run, on which machine it is found again, and what a torn file costs."""

import json
import math
import multiprocessing
from dataclasses import replace

import pytest

from tests.calls.files import NotWritten
from tests.latency.history import SCHEMA, History, NoHistory, Run, key_of, log_to_twin, parse_lines
from tests.latency.machine import Machine
from tests.latency.samples import Cell, CellSamples, Draw

H100 = Machine("NVIDIA H100 80GB HBM3", "570.86.15", "2.11.0+cu129", "3.6.0", "12.9", "3.12")
OTHERS = {
    "gpu": replace(H100, gpu="NVIDIA H200"),
    "driver": replace(H100, driver="580.1"),
    "torch": replace(H100, torch="2.13.0"),
    "triton": replace(H100, triton="3.7.1"),
    "cuda": replace(H100, cuda="13.0"),
    "python": replace(H100, python="3.11"),
}
LONG, SHORT = Cell("1x1m", "get_k_and_s"), Cell("1x128", "get_k", "host")


def _run(cell: Cell = LONG, *ratios: float, implementation: str = "own", twin: str = "t1") -> Run:
    return Run(implementation, twin, {cell: ratios or (0.01, -0.02)}, "c" * 40, 1.0)


class TestRatios:
    """From samples to what is kept."""

    def test_ratios_are_to_the_twin_of_the_same_draw(self):
        draws = (Draw((9e-6,), (2e-6, 2e-6, 8e-6)), Draw((9e-6,), (4e-6,)))
        twin = (Draw((1e-6,), (1e-6,)), Draw((4e-6, 4e-6), (4e-6,)))
        ratios = log_to_twin(CellSamples(LONG, draws, {"twin": twin, "empty": ()}))
        assert ratios == pytest.approx((math.log(2), 0.0))

    def test_the_twin_may_be_missing(self):
        assert log_to_twin(CellSamples(SHORT, (Draw((1e-6,), (1e-6,)),), {})) == ()

    def test_what_does_not_belong_together_is_refused(self):
        one = (Draw((1e-6,), (1e-6,)),)
        with pytest.raises(ValueError, match=r"1x1m/get_k_and_s: expected 2 draws of twin, got 1"):
            log_to_twin(CellSamples(LONG, one * 2, {"twin": one}))


def test_a_run_comes_back_as_it_was(tmp_path):
    run = Run("own", "t1", {LONG: (0.01, -0.02), SHORT: (0.3,)}, None, 1.0)
    history = History(H100, tmp_path)
    history.add(run)
    history.certify({"power": [0.99]}, None)
    again = History(H100, tmp_path)
    assert again.runs() == ((run,), ())
    assert again.certificate() == {"power": [0.99]}


def test_runs_are_appended_and_read_back_by_cell(tmp_path):
    history = History(H100, tmp_path)
    history.add(Run("own", "t1", {LONG: (0.1,), SHORT: (0.7,)}))
    history.add(_run(LONG, 0.2, implementation="sglang"))
    history.add(_run(LONG, 0.3, twin="t2"))
    history.add(_run(LONG, 0.4))
    assert history.baseline("own", "t1", LONG) == [(0.1,), (0.4,)]
    assert history.baseline("own", "t1", SHORT) == [(0.7,)]
    assert len((history.folder / "runs.jsonl").read_text().splitlines()) == 4


def test_the_newest_certificate_is_valid(tmp_path):
    history = History(H100, tmp_path)
    assert history.certificate() is None
    for number in (1, 2):
        history.certify({"number": number}, "c")
    assert history.certificate() == {"number": 2}


class TestOtherMachines:
    """A baseline of another machine is none."""

    @pytest.mark.parametrize("what", list(OTHERS))
    def test_each_part_of_the_key_counts(self, tmp_path, what):
        History(OTHERS[what], tmp_path).add(_run())
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
        history.add(_run(LONG))
        with pytest.raises(NoHistory, match=r"^no history of 1x128/get_k \(host\) of own for NVIDIA H100"):
            history.baseline("own", "t1", SHORT)
        with pytest.raises(NoHistory, match=r"^no history of 1x1m/get_k_and_s of own"):
            history.baseline("own", "another twin", LONG)


class TestTornFiles:
    """A run that was ended while it wrote costs its own line, and this is told."""

    def test_a_torn_last_line_is_told_and_the_next_run_is_not_lost(self, tmp_path):
        history = History(H100, tmp_path)
        first, last = _run(LONG, 0.1), _run(LONG, 0.3)
        history.add(first)
        history.add(_run(LONG, 0.2))
        file = history.folder / "runs.jsonl"
        file.write_bytes(file.read_bytes()[:-30])
        assert history.runs()[0] == (first,)
        assert history.runs()[1] == ("line 2 of runs.jsonl: torn, a run may have been ended while it wrote",)
        history.add(last)
        assert history.runs()[0] == (first, last)
        assert len(history.runs()[1]) == 1

    def test_later_versions_are_told(self):
        line = json.dumps({"schema": SCHEMA + 1, **_run().as_json()})
        items, left_out = parse_lines(f"{line}\n", "runs.jsonl", Run.from_json)
        assert items == ()
        assert left_out == (f"line 1 of runs.jsonl: written by a later version of the gate (schema {SCHEMA + 1})",)

    @pytest.mark.parametrize("line", ["[]", "{}", '{"schema":1}', '{"schema":"x"}', "7"])
    def test_what_is_no_record_is_told(self, line):
        items, left_out = parse_lines(f"\n{line}\n", "runs.jsonl", Run.from_json)
        assert items == ()
        assert left_out[0].startswith("line 2 of runs.jsonl: not a record: ")

    def test_numbers_that_json_has_not_are_not_written(self, tmp_path):
        history = History(H100, tmp_path)
        with pytest.raises(ValueError, match="not JSON compliant"):
            history.add(_run(LONG, math.nan))
        assert history.runs()[0] == ()

    def test_runs_of_several_processes_do_not_mix(self, tmp_path):
        workers = [multiprocessing.get_context("spawn").Process(target=_add, args=(tmp_path,)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        items, left_out = History(H100, tmp_path).runs()
        assert (len(items), left_out) == (60, ())


def _add(folder) -> None:  # type: ignore[no-untyped-def]
    for _ in range(20):
        History(H100, folder).add(_run(LONG, *[0.01, -0.02] * 400))


class TestDamaged:
    """What cannot be read or written is told, and never a traceback."""

    def test_a_line_of_brackets_is_left_out_and_told(self, tmp_path):
        history = History(H100, tmp_path)
        history.add(_run())
        with (history.folder / "runs.jsonl").open("a") as file:
            file.write("[" * 100_000 + "\n")
        (history.folder / "certificates.jsonl").write_text("[" * 100_000 + "\n")
        assert len(history.runs()[0]) == 1
        assert history.certificate() is None
        assert history.left_out() == (
            "line 2 of runs.jsonl: not a record: too deep",
            "line 1 of certificates.jsonl: not a record: too deep",
        )

    def test_a_folder_in_place_of_a_file_is_told(self, tmp_path):
        history = History(H100, tmp_path)
        (history.folder / "runs.jsonl").mkdir(parents=True)
        assert history.left_out() == ("runs.jsonl cannot be read: Is a directory",)
        with pytest.raises(NoHistory):
            history.baseline("own", "t1", LONG)
        with pytest.raises(NotWritten, match=r"cannot write the history .*runs.jsonl: Is a directory"):
            history.add(_run())
