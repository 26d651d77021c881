"""`./ci/gate speed`: the figures, the tables, and the measuring on clocks that are made up."""

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest
import torch

import kernels
from ci import options as command_line
from ci.speed import child, clocks, command, figures, markdown, table
from ci.speed.clocks import IN_PLACE_REPLAYS, launches_of, same_rows
from ci.speed.figures import ALLOCATION, COPY, EMPTY, Timed, Workload
from kernels.peers import torch_indexing
from tests.calls.implementations import NoImplementation
from tests.calls.inputs import Inputs
from tests.cases.case import Case
from tests.cases.latency_workloads import FURTHER, STATED
from tests.instruments.device_clock import REPLAYS, Placement, copy_side, gather_side, replayed, there_and_back
from tests.instruments.red_zones import RedZonedMemory
from tests.self import commands
from tests.self.consoles import console, shown

US = 1e-6
MACHINE = {"gpu": "NVIDIA H100", "torch": "2.11.0", "triton": "3.6.0"}


def _timed(cold: float, host: float, launches: int | None = 1, *, is_eager: bool = False) -> Timed:
    # Three runs, of which one is far off: figures are medians.
    scattered = (cold * US, 9 * cold * US, cold * US)
    in_place = () if is_eager else (0.3 * US, 0.4 * US, 0.7 * US)
    return Timed((host * US,) * 3, scattered, (cold * US / 2,) * 3, in_place, launches, is_eager)


def _workload(name: str, own: float, copy: float = 2.0, *, is_stated: bool = True, **more: Timed) -> Workload:
    sides = {
        COPY: replace(_timed(copy, 5), in_place=()),
        EMPTY: Timed((8 * US,)),
        ALLOCATION: Timed((3 * US,)),
        "own": replace(_timed(own, 12), in_place=(0.1 * own * US, 0.15 * own * US, 5 * US)),
        **more,
    }
    return Workload(name, 8_000, is_stated, sides)


SGLANG = _timed(4, 30)
TORCH = _timed(40, 900, 23, is_eager=True)
MEASURED = [
    _workload("1x4k", 1.0, sglang=SGLANG, torch=TORCH),
    _workload("1x32k", 4.0, sglang=SGLANG, torch=TORCH),
    _workload("page-1-32k", 6.0, is_stated=False, sglang=SGLANG, torch=TORCH),
]


def told_of(workloads, **more):
    """Return what the measuring process tells of workloads."""
    told = {"machine": MACHINE, "unchecked": [], "left_out": {}, "workloads": list(map(asdict, workloads)), **more}
    return json.loads(json.dumps(told))


class TestFigures:
    """From seconds to rows and means."""

    def test_rows_hold_each_side_against_the_copy_of_the_same_workload(self):
        copy, own, sglang, torchs = figures.rows(MEASURED[0])
        assert (copy.side, own.side, sglang.side, torchs.side) == (COPY, "own", "sglang", "torch")
        assert copy.to_copy == 1
        assert (own.cold_us, own.warm_us, own.host_us) == pytest.approx((1, 0.5, 12))
        assert own.to_copy == pytest.approx(0.5)
        assert own.gb_per_s == pytest.approx(8.0)  # 8,000 bytes in 1 us
        assert torchs.is_eager
        assert torchs.launches == 23

    def test_means_are_geometric_and_over_the_stated_workloads_alone(self):
        own, sglang, _ = figures.summaries(MEASURED)
        assert own.to_copy.mean == pytest.approx(1.0)  # 0.5 and 2
        assert (own.to_copy.worst, own.to_copy.worst_in) == (pytest.approx(2.0), "1x32k")
        assert own.to_peer is not None
        assert own.to_peer.mean == pytest.approx(0.5)  # 1/4 and 1
        assert own.host_to_peer is not None
        assert own.host_to_peer.mean == pytest.approx(0.4)
        assert sglang.to_peer is None

    def test_host_floor_is_an_empty_launch_and_an_allocation(self):
        own = figures.summaries(MEASURED)[0]
        assert own.host_us == pytest.approx(12)
        assert own.host_floor_us == pytest.approx(11)

    def test_pages_of_one_token_are_held_against_pages_of_64(self):
        assert figures.summaries(MEASURED)[0].one_token_pages == pytest.approx(1.5)
        assert figures.summaries(MEASURED[:1])[0].one_token_pages is None

    def test_the_workloads_that_are_compared_exist(self):
        names = {case.name: case for case in [*STATED, *FURTHER]}
        one, many = names[figures.ONE_TOKEN_PAGES], names[figures.SAME_TOKENS]
        assert (one.page_size, many.page_size) == (1, 64)
        assert one.seq_lens == many.seq_lens

    def test_without_sglang(self):
        summary = figures.summaries([_workload("1x4k", 1.0)])[0]
        assert summary.to_peer is None
        assert summary.host_to_peer is None

    @pytest.mark.parametrize("own", [0.0, float("nan"), float("inf"), -1.0])
    def test_means_of_what_is_no_ratio_are_refused(self, own):
        with pytest.raises(ValueError, match=r"geometric mean|expected finite numbers"):
            figures.summaries([_workload("1x4k", own)])

    def test_json_and_back(self):
        again = [Workload.from_json(json.loads(json.dumps(asdict(w)))) for w in MEASURED]
        assert again == MEASURED


class TestTables:
    """The terminal, and the README."""

    def test_terminal(self):
        told = shown(table.of_workloads(MEASURED))
        assert "workload side cold us warm us host us launches GB/s to copy in place" in told
        assert "1x4k copy 2.00 1.00 5.0 1 4 1.00 -" in told
        assert "own 1.00 0.50 12.0 1 8 0.50 +0.15" in told
        assert "torch* 40.00 20.00 900.0 23 0 20.00 -" in told

    def test_summaries(self):
        told = shown(table.of_summaries(figures.summaries(MEASURED)))
        assert "own 1.000 2.00 1x32k 0.500 1.00 1x32k 12.0 +1.0 0.400 1.50 +0.90 page-1-32k" in told
        assert any(line.startswith("sglang 2.000 2.00 1x4k - - 30.0 +19.0 -") for line in told)

    def test_last_line_tells_the_means(self):
        line = table.last_line(figures.summaries(MEASURED), 2).plain
        assert line.endswith("geometric mean over 2 workloads: own 1.000, sglang 2.000, torch 20.000")

    def test_markdown(self, tmp_path, capsys):
        told = told_of(MEASURED)
        path = tmp_path / "speed.json"
        path.write_text(json.dumps(command.content(told, MEASURED, figures.summaries(MEASURED))))
        assert markdown.main([str(path)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == r"| workload | copy | own | sglang | torch\* | own in place | sglang in place |"
        assert "| 1x4k | 2.00 | 1.00 (0.50) | 4.00 (2.00) | 40.00 (20.00) | +0.15 | +0.40 |" in lines
        assert "| geometric mean to copy | 1 | **1.000** | **2.000** | **20.000** |  |  |" in lines
        assert "| geometric mean to sglang |  | 0.500 |  | 10.000 |  |  |" in lines
        assert "| worst in place |  |  |  |  | **+0.90** | **+0.40** |" in lines
        assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
        assert any("NVIDIA H100, torch 2.11.0" in line for line in lines)

    @pytest.mark.parametrize("text", ["{}", "no JSON", '{"exit_code": 2, "undecided": []}'])
    def test_markdown_of_what_is_no_measurement_is_refused(self, text, tmp_path, capsys):
        path = tmp_path / "speed.json"
        path.write_text(text)
        assert markdown.main([str(path)]) == 2
        assert str(path) in capsys.readouterr().err


class FakeClocks(clocks.GpuClocks):
    """Sides that take as long as is made up, on a machine that becomes slower from replay to replay."""

    @property
    def needed_bytes(self):
        return 1_000

    def __init__(self, seconds, eager=()):
        self.seconds, self.eager = seconds, eager
        self._functions = dict.fromkeys(("own", "torch"), kernels.get_k_and_s)
        self.placed, self.orders, self.drift = [], [], 1.0
        self.has_profiled = self.is_warm = False

    def place(self, case, seed):
        self.placed.append((case.name, seed))

    def require_same_rows(self, workload):
        assert workload == self.placed[-1][0]

    def launches(self, name):
        return 1, name in self.eager

    def replays(self, names, *, is_warm):
        self.orders.append(tuple(names))
        self.is_warm = is_warm
        return replayed(self, [(name, name) for name in there_and_back(names, REPLAYS)])

    def layers(self, names):
        return replayed(self, [(name, name) for name in there_and_back(names, IN_PLACE_REPLAYS)])

    def round(self, order):
        seconds = []
        for name in order:
            self.drift *= 1.001
            seconds.append(self.drift * self.seconds[name] / (2 if self.is_warm else 1))
        return seconds

    def kernel_seconds(self, name, *, is_warm):
        assert name in self.eager
        self.has_profiled = True
        return self.seconds[name]

    def host_seconds(self, names, batches):
        assert not self.has_profiled, "CUPTI slows the host"
        assert not set(names) & set(self.eager)
        return {name: [7 * US] * batches for name in names}

    def waiting_seconds(self, name, calls):
        assert name in self.eager
        return [700 * US] * calls


class TestMeasuring:
    """The order of things, without a GPU."""

    CASE = Case(name="1x4k", rules=(1,), seq_lens=(4_096,))

    def _measured(self, fake, runs=3):
        sides = fake.on_host(self.CASE, runs)
        return Workload.from_json(fake.on_device(self.CASE, sides, runs, is_stated=True))

    def test_each_run_draws_anew_and_each_figure_has_a_median_a_run(self):
        fake = FakeClocks({COPY: 2.0, "own": 1.0, "torch": 40.0}, eager=("torch",))
        told = self._measured(fake)
        assert fake.placed == 2 * [("1x4k", 0), ("1x4k", 1), ("1x4k", 2)]
        assert {name: len(told.sides[name].cold) for name in told.implementations} == {"own": 3, "torch": 3}
        assert all(len(timed.host) == 3 for timed in told.sides.values())
        assert not told.sides[EMPTY].cold
        assert all(more < -0.5 for more in told.sides["own"].in_place), "it takes half as long as the copy"
        assert told.sides[COPY].in_place == told.sides["torch"].in_place == (), (
            "the copy is what others are held against"
        )
        assert told.sides["torch"].is_eager
        assert told.sides["torch"].host == (700 * US,) * 3

    def test_drift_hits_all_sides_alike(self):
        fake = FakeClocks({COPY: 1.0, "own": 1.0, "torch": 1.0})
        told = self._measured(fake)
        # The machine gets 10 % slower within the three runs; there and back, sides of equal speed come out equal.
        assert fake.drift > 1.1
        for kind in ("cold", "warm"):
            for one, other in zip(getattr(told.sides[COPY], kind), getattr(told.sides["own"], kind), strict=True):
                assert one == pytest.approx(other, rel=2e-3)
        assert told.sides["own"].in_place == pytest.approx((0.0,) * 3, abs=2e-3)

    def test_the_order_of_sides_changes_from_run_to_run(self):
        fake = FakeClocks({COPY: 1.0, "own": 1.0, "torch": 1.0})
        self._measured(fake, runs=8)
        assert len(set(fake.orders)) > 1


class TestClocks:
    """What `GpuClocks` asks of the clock of graphs."""

    def test_sides_are_captured_in_the_order_given_and_replayed_there_and_back(self, monkeypatch):
        asked: list[tuple[list[str], bool, list[str]]] = []

        class Clock:
            def __init__(self, placement, sides, *, is_warm):
                assert placement.needed_bytes == 4_096 * 132
                self.captured = [side.name for side in sides], is_warm

            def round(self, order):
                asked.append((*self.captured, list(order)))
                return [1.0 + number for number in range(len(order))]

        monkeypatch.setattr(clocks, "GraphClock", Clock)
        monkeypatch.setattr(clocks, "Placement", lambda case, device, seed: Placement(case, device, seed, 1 << 20))
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        gpu = clocks.GpuClocks({"own": kernels.get_k_and_s})
        gpu._device = torch.device("cpu")
        gpu.place(TestMeasuring.CASE, 0)
        told = gpu.replays(["own", COPY], is_warm=True)
        assert asked == [(["own", COPY], True, ["own", COPY, COPY, "own"] * (REPLAYS // 2))]
        assert told["own"][:3] == [1.0, 4.0, 5.0]
        assert gpu.needed_bytes == 2 * 4_096 * 132


class TestLoading:
    """What stands side by side."""

    def test_own_the_named_one_and_peers_once_each(self):
        everybody, peers = ["own", "sglang", "torch"], ["sglang", "torch"]
        assert command.order_of("own", 3) == {"implementations": everybody, "optional": peers, "runs": 3}
        assert command.order_of("x.py", 3)["implementations"] == ["own", "x.py", "sglang", "torch"]
        # Who names it wants to see it.
        assert command.order_of("sglang", 3) == {"implementations": everybody, "optional": ["torch"], "runs": 3}

    def test_peers_that_are_missing_are_left_out_and_told(self):
        functions, left_out = child.load(["own", "no_such_module"], ["no_such_module"])
        assert list(functions) == ["own"]
        assert "no_such_module" in left_out["no_such_module"]

    def test_the_named_one_may_not_be_missing(self):
        with pytest.raises(NoImplementation, match="no_such_module"):
            child.load(["own", "no_such_module"], [])

    def test_without_the_function_that_is_timed(self, tmp_path):
        path = tmp_path / "half.py"
        path.write_text("def get_k(*arguments): ...\n")
        with pytest.raises(NoImplementation, match="has no get_k_and_s"):
            child.load([str(path)], [])


class TestLooking:
    """What the clocks need that can be seen on any machine."""

    @pytest.fixture
    def placement(self, device):
        case = Case(name="two", rules=(1,), seq_lens=(70, 65))
        arguments = Inputs(case, torch.device(device), RedZonedMemory()).arguments
        return SimpleNamespace(arguments=[arguments], sources=[torch.zeros(999, dtype=torch.uint8, device=device)])

    def test_launches_and_waits(self, placement):
        assert launches_of(copy_side(), placement) == (1, False)
        assert launches_of(gather_side("own", kernels.get_k_and_s), placement) == (1, False)
        launches, waits = launches_of(gather_side("torch", torch_indexing.get_k_and_s), placement)
        assert launches > 10
        assert waits

    def test_rows_are_compared_as_bytes(self, placement):
        k, s = kernels.get_k_and_s(*placement.arguments[0])
        assert same_rows((k, s), (k.clone(), s.view(torch.float32)))
        wrong = k.clone()
        wrong[3, 5] ^= 1
        assert not same_rows((k, s), (wrong, s))
        assert not same_rows((k, s), (k[:-1], s[:-1]))


class TestProcess:
    """The measuring process as its parent hears it."""

    def test_a_run_is_shown_and_written(self, monkeypatch, tmp_path):
        told = told_of(MEASURED, unchecked=["x"], left_out={"sglang": "not installed"})
        monkeypatch.setattr(command, "told_by", lambda module, log, order, on_step: [told])
        on, output = console()
        path = tmp_path / "speed.json"
        assert command.main(command_line.parse(["speed", "--json", str(path)])[1], ["./ci/gate"], on) == 0
        lines = output.getvalue().splitlines()
        assert lines[-1].startswith("speed: times a copy of the same bytes, geometric mean over 2 workloads: own 1.000")
        assert "left out: sglang: not installed" in lines
        assert "not checked: x" in lines
        written = json.loads(path.read_text())
        assert written["summaries"][0]["side"] == "own"
        assert (written["verdict"], written["exit_code"]) == ("clean", 0)

    def test_a_clock_that_stands_still_is_no_figure(self, monkeypatch):
        stuck = told_of([_workload("1x4k", 0.0)])
        monkeypatch.setattr(command, "told_by", lambda module, log, order, on_step: [stuck])
        assert command.main(command_line.parse(["speed"])[1], ["./ci/gate"], console()[0]) == 2

    def test_without_a_gpu_one_line_and_2(self):
        done = commands.gate("speed", CUDA_VISIBLE_DEVICES="")
        assert done.returncode == 2
        assert done.stdout.splitlines()[-1].startswith("UNDECIDED: no NVIDIA GPU is visible to this process")


class TestCommandLine:
    """Options."""

    def test_runs(self):
        assert command_line.parse(["speed", "--runs", "5"])[1].runs == 5
        assert command_line.parse(["speed"])[1].runs == 3

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (["speed", "--case", "x"], "--case"),
            (["speed", "--runs", "0"], "--runs"),
        ],
    )
    def test_bad_usage(self, arguments, named, capsys):
        with pytest.raises(SystemExit) as ended:
            command_line.parse(arguments)
        assert ended.value.code == 2
        assert named in capsys.readouterr().err
