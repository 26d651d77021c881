"""pytest-benchmark as the carrier of device time: its table, JSON, comparison and storage, and when it does not run."""

import itertools
import json
import math
import re
from pathlib import Path

import pytest

from tests.instruments.device_clock.virtual import VirtualClock
from tests.latency.storage import read_all
from tests.plugin import benchmarks
from tests.self.inner_pytest import InnerRun, run_pytest
from tests.test_latency import CELLS, WORKLOADS

FAKE = ("-p", "tests.self.plugin.fake_seconds")
ALONE = (*FAKE, "-n", "0", "--benchmark-enable")
CHOSEN = ("tests/test_latency.py", "-k", "32x4k-get_k_and_s or 1x128")


def _measure(folder: Path, *arguments: str, gpu: str = "NVIDIA H100", factor: float = 1) -> InnerRun:
    storage = f"--benchmark-storage=file://{folder / 'storage'}"
    environment = {"FAKE_GPU": gpu, "FAKE_FACTOR": str(factor)}
    return run_pytest(*CHOSEN, *ALONE, storage, *arguments, folder=folder, environment=environment)


class TestClock:
    """The timer that pytest-benchmark reads."""

    def test_it_shows_what_it_was_advanced_by(self):
        clock = VirtualClock()
        clock.advance(2e-6)
        before = clock()
        clock.advance(3e-6)
        assert (before, clock() - before) == (2e-6, pytest.approx(3e-6))

    @pytest.mark.parametrize("seconds", [0.0, -1e-6, math.nan, math.inf])
    def test_what_is_no_duration_is_refused(self, seconds):
        with pytest.raises(ValueError, match="expected a finite number above 0"):
            VirtualClock().advance(seconds)

    def test_a_microsecond_is_still_told_after_hours(self):
        clock = VirtualClock()
        clock.advance(10_000)
        before = clock()
        clock.advance(1e-6)
        assert clock() - before == pytest.approx(1e-6, rel=1e-5)

    def test_each_round_is_as_long_as_the_next_seconds(self):
        clock, source = VirtualClock(), itertools.count(1)
        taken: list[float] = []

        class Benchmark:
            def pedantic(self, target, *, rounds, iterations):
                assert iterations == 1
                for _ in range(rounds):
                    start = clock()
                    target()
                    taken.append(clock() - start)

        clock.run(Benchmark(), (1e-6 * number for number in source), 3)
        assert taken == pytest.approx([1e-6, 2e-6, 3e-6])
        assert next(source) == 4, "no more was measured than was asked for"


def test_every_gated_workload_is_one_test():
    assert {workload for workload, _ in CELLS} == set(WORKLOADS)
    assert len(WORKLOADS) >= 16
    assert len(set(CELLS)) == len(CELLS)


def test_table_and_json_tell_the_devices_seconds(tmp_path):
    run = _measure(tmp_path, f"--benchmark-json={tmp_path / 'out.json'}")
    assert run.status == 0, run.output
    assert re.search(r"test_latency\[1x128-get_k_and_s\] +2\.0000 .* 4\.0000 .* 3\.0000", run.output)
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["machine_info"]["gpu"] == "NVIDIA H100"
    assert {content["machine_info"][name] for name in ("driver", "torch", "triton")} == {"570.1", "2.11", "3.6"}
    by_name = {benchmark["name"]: benchmark for benchmark in content["benchmarks"]}
    one = by_name["test_latency[32x4k-get_k_and_s]"]
    assert one["params"] == {"workload": "32x4k", "function": "get_k_and_s"}
    kept = one["extra_info"]
    assert (kept["tokens"], kept["page_size"], kept["ratio_to_twin"]) == (131_072, 64, 1.0)
    assert (kept["run"]["implementation"], kept["run"]["way"]) == ("own", "pytest")
    assert one["stats"]["data"] == pytest.approx([2e-6, 3e-6, 4e-6] * 16)
    assert one["stats"]["iterations"] == 1


def test_comparison_is_with_the_same_machine_only(tmp_path):
    assert _measure(tmp_path, "--benchmark-save=first").status == 0
    again = _measure(tmp_path, "--benchmark-compare", "--benchmark-compare-fail=median:10%", factor=1.05)
    assert again.status == 0, again.output
    assert "Comparing against benchmarks from" in again.output
    assert "machine_info is different" not in again.output
    assert re.search(r"test_latency\[1x128-get_k_and_s\] \(NOW\) +2\.1", again.output)
    assert re.search(r"test_latency\[1x128-get_k_and_s\] \(0001_first\) +2\.0", again.output)

    slower = _measure(tmp_path, "--benchmark-compare=0001", "--benchmark-compare-fail=median:10%", factor=1.5)
    assert slower.status != 0
    assert "Performance has regressed" in slower.output

    elsewhere = _measure(tmp_path, "--benchmark-compare", gpu="NVIDIA H200", factor=1.5)
    assert "Can't compare. No benchmark files in" in elsewhere.output
    assert "(NOW)" not in elsewhere.output
    machines, left_out = read_all(tmp_path / "storage")
    assert {machine.gpu: len(runs) for machine, runs in machines.items()} == {"NVIDIA H100": 3, "NVIDIA H200": 1}
    assert left_out == ()


@pytest.mark.parametrize(
    "arguments", [("-n", "0"), ("-n", "1", "--benchmark-enable"), ("-n", "0", "--benchmark-disable")]
)
def test_where_nothing_would_be_measured_the_skip_says_what_to_run(tmp_path, arguments):
    run = run_pytest(*CHOSEN, *FAKE, *arguments, folder=tmp_path)
    assert run.status == 0, run.output
    assert {verdict.outcome for verdict in run.verdicts.values()} == {"skipped"}
    assert f"{len(run.verdicts)} latency is not measured among other tests" in run.output
    assert "pytest tests/test_latency.py -n 0 --benchmark-enable" in run.output
    assert "was not used at all" not in run.output


def test_without_a_gpu_the_skip_says_so(tmp_path):
    run = run_pytest(*CHOSEN, "-n", "0", "--benchmark-enable", "--device", "cpu", folder=tmp_path)
    assert run.status == 0, run.output
    assert f"{len(run.verdicts)} needs a GPU: latency is measured on one" in run.output


def test_the_command_that_a_skip_names_measures(tmp_path):
    arguments = benchmarks.COMMAND.split()[1:]
    run = run_pytest(*arguments, *FAKE, "-k", "1x128", f"--benchmark-storage={tmp_path}", folder=tmp_path)
    assert [verdict.outcome for verdict in run.verdicts.values()] == ["passed"], run.output


def test_without_the_plugin_other_tests_still_run(tmp_path):
    arguments = ["-o", "addopts=", "-p", "no:benchmark", "tests/self/plugin/test_latency_carrier.py", "-k", "hours"]
    run = run_pytest(*arguments, folder=tmp_path)
    assert run.status == 0, run.output
