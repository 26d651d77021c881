"""A selection and its words: what a command line asks for, and the line that shows a finding again."""

import argparse
import json
import shlex
import sys
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import pytest

from ci import options
from tests import ROOT
from tests.contract import Contract
from tests.examine import replay
from tests.examine.selection import MEMORIES, MOST_SECONDS, QUICK_SEEDS, Selection, seconds, whole

IMPLEMENTATIONS = (
    "own",
    "my gathers/fused [v2]*.py",
    "/tmp/it's here/$HOME/`x`.py:Fused",
    "package.gathers:get_k",
    "-dashed.py",
)
CASES = (
    "lengths/page",
    "tables/tail-huge",
    "seeds/seed-3",
    "seeds/seed-907",
    "pools/past-2-gib",
    "machine/test[wide]*?",
    "bad-arguments/buf-int8",
)
RUNS = [
    Selection(
        *(implementation, contract, device, memory, ("lengths/*", "*"), quick, 50, 900),
        page_size=16 if quick else 64,
        layout="tiles" if quick else "blocks",
    )
    for implementation, contract, device, memory, quick in islice(
        zip(cycle(IMPLEMENTATIONS), cycle(Contract), cycle(["cpu", "cuda"]), cycle(MEMORIES), cycle([True, False])), 20
    )
]


def test_a_selection_survives_its_words_and_json():
    for selection in (Selection(), Selection(quick=True, seeds=QUICK_SEEDS), *RUNS):
        assert options.parse(selection.arguments())[1].selection == selection
        assert Selection.from_json(json.loads(json.dumps(selection.as_json()))) == selection


@pytest.mark.parametrize(("run", "case"), list(zip(RUNS, cycle(CASES))), ids=str)
def test_a_replay_line_means_the_same_run_on_one_case(run, case):
    line = replay.line(["./ci/gate"], run, case)
    start, *words = shlex.split(line)
    assert start == "./ci/gate"
    parsed = options.parse(words)[1].selection
    assert parsed == run.of_cases(case)
    kept = ("implementation", "contract", "device", "memory", "page_size", "index_head_dim", "layout")
    assert [getattr(parsed, name) for name in kept] == [getattr(run, name) for name in kept]


def test_a_replay_line_is_short_where_nothing_is_unusual():
    line = replay.line(["./ci/gate"], Selection(device="cpu"), "lengths/page")
    assert line == "./ci/gate --impl own --contract strict --device cpu --case lengths/page"


def test_a_random_case_is_drawn_from_its_own_seed():
    line = replay.line(["./ci/gate"], Selection(device="cpu", seeds_from=900, seeds=50), "seeds/seed-907")
    assert line.endswith("--case seeds/seed-907 --seeds-from 907 --seeds 1")


def test_letters_of_a_case_that_patterns_use_stand_for_themselves():
    assert Selection().of_cases("lengths/a[b]*?").patterns == ("lengths/a[[]b][*][?]",)


def test_the_sanitizers_line_is_one_that_it_takes():
    selection = replace(RUNS[1], implementation="my file.py")
    line = replay.line(
        ["./ci/gate"], selection, "seeds/seed-907", ("sanitize", "--tool", "memcheck"), replay.SANITIZER_FLAGS
    )
    job, asked = options.parse(shlex.split(line)[1:])
    assert (job.name, asked.tools, asked.implementations) == ("sanitize", ("memcheck",), ("my file.py",))
    assert asked.selection.contract is selection.contract
    assert asked.selection.patterns == ("seeds/seed-907",)
    assert (asked.selection.seeds_from, asked.selection.seeds) == (907, 1)


@pytest.mark.parametrize(
    ("original", "argv", "start"),
    [
        (["python3", "./ci/gate", "--quick"], ["./ci/gate", "--quick"], ("./ci/gate",)),
        (["python", "ci/gate"], ["ci/gate"], ("python", "ci/gate")),
        (
            ["/opt/venv/bin/python", "-X", "dev", "ci/gate"],
            ["ci/gate"],
            ("/opt/venv/bin/python", "-X", "dev", "ci/gate"),
        ),
        # Without a slash, a shell would look for it on the PATH.
        (["python3", "gate", "--list"], ["gate", "--list"], ("python3", "gate")),
    ],
)
def test_the_gate_is_started_as_it_was(original, argv, start, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert replay.start_as_typed(argv, original) == start


def test_from_another_folder_the_gate_is_named_by_its_path(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda name: sys.executable)
    assert replay.start_from(ROOT) == ("./ci/gate",)
    assert replay.start_from(ROOT / "ci") == ("./gate",)
    assert replay.start_from(ROOT / "tests") == ("../ci/gate",)
    assert (tmp_path / replay.start_from(tmp_path)[-1]).resolve() == replay.GATE
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/python3")
    assert replay.start_from(ROOT) == (sys.executable, "./ci/gate")


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan", "x", "", str(MOST_SECONDS + 1), "1e400"])
def test_times_that_a_timer_cannot_keep_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="at most a week"):
        seconds(text)


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "", "101", "9" * 5_000])
def test_numbers_out_of_range_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="from 0 to 100"):
        whole(0, 100)(text)


def test_a_quick_run_draws_fewer_random_cases():
    assert options.parse(["--quick"])[1].selection.seeds == QUICK_SEEDS
    assert options.parse(["--quick", "--seeds", "30"])[1].selection.seeds == 30
    assert options.parse([])[1].selection == Selection()


def test_the_suite_has_a_file_for_each_question():
    from ci.examination.run import examinations

    for path in examinations():
        question = path.stem.removeprefix("test_")
        assert f'@pytest.mark.catalogue("{question}")' in Path(path).read_text(encoding="utf-8")
