"""pytest's options, fixtures and hooks. What they do is in `tests/plugin/`."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examine import selection
from tests.plugin import benchmarks, containment, devices, memories, order, reporting
from tests.plugin.deaths import Deaths
from tests.plugin.examiner import Examiner

DEATHS = pytest.StashKey[Deaths]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gather", "K/S gathers")
    group.addoption(
        "--impl",
        default="own",
        help="implementation to examine: own, sglang, torch, PATH.py, or package.module[:name]",
    )
    group.addoption(
        "--contract", choices=["trusting", "safe", "strict"], default="strict", help="what the implementation promises"
    )
    group.addoption("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where kernels run")
    group.addoption(
        "--memory", choices=memories.CHOICES, default="auto", help="memory of the examined calls; fences need a GPU"
    )
    group.addoption(
        "--case", action="append", default=[], metavar="PATTERN", help="examine cases like family/name only"
    )
    group.addoption("--quick", action="store_true", help="leave heavy cases out on the CPU")
    group.addoption("--seeds-from", type=int, default=0, metavar="N", help="first seed of the random cases")
    group.addoption("--seeds", type=int, default=None, metavar="COUNT", help="number of random cases")
    group.addoption("--case-timeout", type=float, default=300.0, metavar="S", help="seconds that a test may take")


def pytest_configure(config: pytest.Config) -> None:
    worker_input = getattr(config, "workerinput", None)
    if worker_input is None:
        traces = reporting.trace_folder()
        config.stash[reporting.TRACES] = traces
        config.stash[DEATHS] = Deaths(config, traces)
        config.add_cleanup(lambda: shutil.rmtree(traces, ignore_errors=True))
    else:
        containment.end_with_parent()
        if worker_input["gpu"] is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = worker_input["gpu"]
    try:
        device = devices.choose_device(config.getoption("--device"))
    except devices.DeviceUnavailable as error:
        raise pytest.UsageError(str(error)) from error
    try:
        memories.require(config.getoption("--memory"), device)
    except memories.MemoryUnavailable as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[reporting.DEVICE] = device
    gpus = devices.visible_gpus(os.environ, devices.gpu_count()) if device == "cuda" else []
    config.stash[reporting.GPUS] = devices.GpuPool(gpus)
    benchmarks.choose_storage(config)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    gpus = [] if config.getoption("--device") == "cpu" else devices.gpu_memories()
    return devices.workers_for(gpus) or len(os.sched_getaffinity(0))


def pytest_configure_node(node: Any) -> None:
    # A new worker takes the place of a dead one, whose test has been reported by now if it left one.
    node.config.stash[DEATHS].tell_the_rest()
    node.workerinput["traces"] = str(node.config.stash[reporting.TRACES])
    node.workerinput["gpu"] = node.config.stash[reporting.GPUS].take(node.gateway.id)


def pytest_testnodedown(node: Any, error: object) -> None:
    node.config.stash[reporting.GPUS].give_back(node.gateway.id)
    if error and error != "keyboard-interrupt":
        node.config.stash[DEATHS].worker_died(node)


def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport, sched: Any) -> None:
    node: Any = report.node  # type: ignore[attr-defined]  # pytest-xdist's controller of the worker
    node.config.stash[DEATHS].test_lost(crashitem, report, sched)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("catalogue")
    if marker is None:
        return
    from tests.cases.catalogue import catalogue
    from tests.cases.seeds import DEFAULT_COUNT
    from tests.contract import Contract

    config = metafunc.config
    seeds = config.getoption("--seeds")
    cases = catalogue(config.getoption("--seeds-from"), DEFAULT_COUNT if seeds is None else seeds)
    patterns = config.getoption("--case")
    if not selection.matching(cases, patterns):
        raise pytest.UsageError(f"--case {' '.join(patterns)}: no case matches; ./ci/gate --list names them")
    parameters = []
    for case in selection.matching([c for c in cases if c.family in marker.args], patterns):
        reason = selection.reason_to_skip(
            case,
            device=config.stash[reporting.DEVICE],
            contract=Contract[config.getoption("--contract").upper()],
            quick=config.getoption("--quick"),
        )
        marks = [pytest.mark.skip(reason=reason)] if reason else []
        parameters.append(pytest.param(case, id=case.id, marks=marks))
    metafunc.parametrize("case", parameters)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = order.dealt(items, reporting.weight, workers)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    trace = _trace(item.config)
    if trace is None:
        return (yield)
    trace.begin(item.nodeid, item.config.getoption("--case-timeout"))
    try:
        return (yield)
    finally:
        trace.end()


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    benchmarks.describe_machine(config, machine_info)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reporting.tell_skips(terminalreporter)


@pytest.fixture(scope="session")
def examiner(request: pytest.FixtureRequest) -> Iterator[Examiner]:
    """Examines the chosen implementation on the chosen device."""
    config = request.config
    with Examiner.from_options(config, _trace(config)) as examiner:
        yield examiner


@pytest.fixture
def examine(request: pytest.FixtureRequest, examiner: Examiner) -> Callable[[Any], None]:
    """Examine a case, and fail the test with what was found."""
    return lambda case: examiner.expect_no_findings(case, request.node)


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> str:
    """`cuda`, or `cpu` where kernels run on Triton's interpreter."""
    return request.config.stash[reporting.DEVICE]


def _trace(config: pytest.Config) -> containment.Trace | None:
    worker_input = getattr(config, "workerinput", None)
    if worker_input is None:
        return None
    if reporting.TRACE not in config.stash:
        config.stash[reporting.TRACE] = containment.Trace(
            Path(worker_input["traces"]) / f"{worker_input['workerid']}.json"
        )
    return config.stash[reporting.TRACE]
