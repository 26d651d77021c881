"""What pytest-benchmark needs to know here: where samples come from, on which machine, and when it measures at all."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.plugin import reporting

if TYPE_CHECKING:  # the device clock imports Triton, which must wait until the interpreter is chosen
    from pytest_benchmark.session import BenchmarkSession

    from tests.latency.machine import Machine
    from tests.latency.samples import Cell, CellSamples

    SourceOfSamples = Callable[[Cell], CellSamples]

COMMAND = "pytest tests/test_latency.py -n 0 --benchmark-enable"
SOURCE: "pytest.StashKey[SourceOfSamples]" = pytest.StashKey()
"""Where samples come from, if not from the GPU; tests set it."""
MACHINE: "pytest.StashKey[Machine]" = pytest.StashKey()
"""What is measured on, if anything is."""
BEGAN: pytest.StashKey[float] = pytest.StashKey()
"""When the first cell was measured, in seconds since the epoch."""
CONDITION: pytest.StashKey[Mapping[str, int]] = pytest.StashKey()
"""Clocks, temperature and power of the GPU at that moment."""
DEFAULT_STORAGE = "file://./.benchmarks"
"""pytest-benchmark's."""


def why_not_measured(config: pytest.Config, *, is_disabled: bool) -> str | None:
    """Return why a benchmark cannot be measured in this run, or None if it can.

    Args:
        config: pytest's.
        is_disabled: whether pytest-benchmark would only call the function once.
    """
    if SOURCE not in config.stash and config.stash[reporting.DEVICE] != "cuda":
        return "needs a GPU: latency is measured on one"
    if is_disabled:
        return f"latency is not measured among other tests; one process alone does it: {COMMAND}"
    return None


def choose_machine(config: pytest.Config) -> None:
    """Find out what is measured on, if anything is, and have the run kept with the others of that machine.

    Raises:
        pytest.UsageError: torch sees no GPU.
    """
    if not _measures(config):
        return
    if MACHINE not in config.stash:
        from tests.latency.machine import GpuAbsent, this_machine

        try:
            config.stash[MACHINE] = this_machine()
        except GpuAbsent as error:
            raise pytest.UsageError(str(error)) from error
    _name_folder_after(config.stash[MACHINE], config)
    if not (config.getoption("benchmark_save") or config.getoption("benchmark_autosave")):
        from pytest_benchmark.utils import get_tag

        config.option.benchmark_autosave = get_tag()


def _name_folder_after(machine: "Machine", config: pytest.Config) -> None:
    """Have pytest-benchmark keep runs in the machine's folder, which it names after the host's Python otherwise."""
    from pytest_benchmark import session

    from tests.latency.history import FOLDER
    from tests.latency.storage import key_of

    config.add_cleanup(partial(setattr, session, "get_machine_id", session.get_machine_id))
    vars(session)["get_machine_id"] = partial(key_of, machine)
    if config.getoption("benchmark_storage") == DEFAULT_STORAGE:
        config.option.benchmark_storage = f"file://{FOLDER}"


def choose_storage(session: "BenchmarkSession", config: pytest.Config) -> None:
    """Have runs written whole or not at all, where files are written."""
    from pytest_benchmark.storage.file import FileStorage

    from tests.latency.storage import WholeFiles

    if MACHINE in config.stash and isinstance(session.storage, FileStorage):
        session.storage = WholeFiles(session.storage.path, session.logger, session.machine_id)


def describe_run(config: pytest.Config, content: dict[str, Any]) -> None:
    """Add what all cells of a run share to what is kept of each: see `tests.latency.stored_run`."""
    from tests.instruments.device_clock.twin import NAME
    from tests.latency.history import History
    from tests.latency.stored_run import ABOUT, About

    cells = [benchmark["extra_info"] for benchmark in content["benchmarks"] if "schema" in benchmark["extra_info"]]
    if not cells or MACHINE not in config.stash:
        return
    commit = content["commit_info"]
    about = About(
        config.getoption("--impl"),
        NAME,
        "pytest",
        commit=commit["id"] + "-dirty" * bool(commit["dirty"]),
        branch=commit.get("branch"),
        certificate=History(config.stash[MACHINE]).certificate_name(),
        seconds=round(time.time() - config.stash[BEGAN], 1),
        condition=config.stash.get(CONDITION, {}),
    )
    for cell in cells:
        cell[ABOUT] = asdict(about)


def describe_machine(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Say of the machine what decides with which runs this one may be compared: GPU and toolchain, not the host."""
    machine = config.stash.get(MACHINE, None)
    if machine is not None:
        machine_info.clear()
        machine_info |= machine.as_json()


def source_of_samples(config: pytest.Config) -> "SourceOfSamples":
    """Return what measures cells of the chosen implementation."""
    if BEGAN not in config.stash:
        config.stash[BEGAN] = time.time()
    if SOURCE not in config.stash:
        config.stash[SOURCE] = _measurer(config)
    return config.stash[SOURCE]


def _measures(config: pytest.Config) -> bool:
    if not config.pluginmanager.hasplugin("benchmark"):
        return False
    is_enabled = config.getoption("benchmark_enable") or not config.getoption("benchmark_disable")
    is_spread = config.getoption("dist", "no") != "no" or hasattr(config, "workerinput")
    has_clock = SOURCE in config.stash or config.stash[reporting.DEVICE] == "cuda"
    return bool(is_enabled and has_clock and not is_spread)


def _measurer(config: pytest.Config) -> "SourceOfSamples":
    from tests.calls.implementations import load_implementation
    from tests.latency.condition import condition
    from tests.latency.measure import Measurer
    from tests.latency.samples import CellSamples
    from tests.latency.thresholds import DRAWS

    functions = load_implementation(config.getoption("--impl")).functions
    measurer = Measurer(functions, functions, random.SystemRandom().getrandbits(31))
    config.stash[CONDITION] = condition()

    def samples_of(cell: "Cell") -> "CellSamples":
        if cell.function not in functions:
            pytest.skip(f"{config.getoption('--impl')} has no {cell.function}")
        samples = CellSamples(cell)
        while len(samples.draws) < DRAWS:
            samples = measurer.drawn(samples)
        return samples

    return samples_of
