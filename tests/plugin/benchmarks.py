"""What pytest-benchmark needs to know here: where seconds come from, on which machine, and when it measures at all."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.cases.case import Case
from tests.plugin import reporting

if TYPE_CHECKING:  # the device clock imports Triton, which must wait until the interpreter is chosen
    from tests.instruments.device_clock.virtual import SourceOfSeconds
    from tests.latency.machine import Machine

COMMAND = "pytest tests/test_latency.py -n 0 --benchmark-enable"
SOURCE: "pytest.StashKey[SourceOfSeconds]" = pytest.StashKey()
"""Where seconds come from, if not from the GPU; tests set it."""
MACHINE: "pytest.StashKey[Machine]" = pytest.StashKey()
"""What is measured on, if anything is."""
STABLE_CPU_INFO = ("arch", "brand_raw", "count")
"""What pytest-benchmark says of the CPU and does not change from run to run, as its momentary clock does."""


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


def choose_storage(config: pytest.Config) -> None:
    """Keep the benchmarks of each machine in a folder of its own, below the one of `--benchmark-storage`."""
    if not _measures(config):
        return
    if MACHINE not in config.stash:
        from tests.latency.machine import GpuAbsent, this_machine

        try:
            config.stash[MACHINE] = this_machine()
        except GpuAbsent as error:
            raise pytest.UsageError(str(error)) from error
    storage = config.getoption("benchmark_storage")
    if "://" not in storage or storage.startswith("file://"):
        from tests.latency.history import key_of

        config.option.benchmark_storage = f"{storage.rstrip('/')}/{key_of(config.stash[MACHINE])}"


def describe_machine(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Add the GPU and its toolchain to what pytest-benchmark says of the machine, and drop what changes by itself."""
    machine = config.stash.get(MACHINE, None)
    if machine is not None:
        machine_info |= machine.as_json()
        machine_info["cpu"] = {name: machine_info["cpu"].get(name) for name in STABLE_CPU_INFO}


def source_of_seconds(config: pytest.Config) -> "SourceOfSeconds":
    """Return what measures calls of the chosen implementation."""
    return config.stash.get(SOURCE, None) or _graph_seconds(config)


def _measures(config: pytest.Config) -> bool:
    if not config.pluginmanager.hasplugin("benchmark"):
        return False
    is_enabled = config.getoption("benchmark_enable") or not config.getoption("benchmark_disable")
    is_spread = config.getoption("dist", "no") != "no" or hasattr(config, "workerinput")
    has_clock = SOURCE in config.stash or config.stash[reporting.DEVICE] == "cuda"
    return bool(is_enabled and has_clock and not is_spread)


def _graph_seconds(config: pytest.Config) -> "SourceOfSeconds":

    from tests.calls.implementations import load_implementation
    from tests.instruments.device_clock import gather_side
    from tests.latency.measure import draws_of_one

    functions = load_implementation(config.getoption("--impl")).functions

    def seconds(case: Case, function: str) -> Iterator[float]:
        if function not in functions:
            pytest.skip(f"{config.getoption('--impl')} has no {function}")
        return draws_of_one(gather_side(function, functions[function]), case)

    return seconds
