"""pytest's hooks: options in, devices and processes chosen, cases as tests. What they do is in the modules beside."""

import importlib
import os
import shutil
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.calls.errors import Foreseen
from tests.calls.implementations import require_named
from tests.calls.interruption import note_interruptions
from tests.cases.catalogue import QUESTIONS
from tests.examine import selection
from tests.examine.choice import chosen_cases, reason_to_skip
from tests.examine.selection import Selection
from tests.plugin import benchmarks, containment, devices, memories, order, reporting
from tests.plugin.deaths import Deaths
from tests.plugin.exit_status import ExitStatus, WorkerStatus

DEATHS = pytest.StashKey[Deaths]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gather", "K/S gathers")
    selection.add_options(group.addoption)
    group.addoption(
        "--case-timeout", type=selection.seconds, default=300.0, metavar="S", help="seconds that a test may take"
    )
    group.addoption("--long", action="store_true", help="also run the tests that take minutes")


def pytest_configure(config: pytest.Config) -> None:
    note_interruptions()
    worker_input = getattr(config, "workerinput", None)
    chosen = Selection.from_options(config.option)
    if worker_input is not None:
        config.pluginmanager.register(WorkerStatus())
        containment.end_with_parent()
        if worker_input["gpu"] is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = worker_input["gpu"]
    if worker_input is not None or config.getoption("dist", "no") == "no":
        importlib.import_module("torch")  # whoever examines needs it, and it knows best which GPUs it can use
    try:
        device = devices.choose_device(chosen.device)
        if worker_input is None and not config.stash.get(reporting.IS_LOOKED_AT, False):
            memories.require(chosen.memory, device)
            require_named(chosen.implementation)
            if chosen.patterns:
                chosen_cases(chosen)
    except Foreseen as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[reporting.DEVICE] = device
    config.stash[reporting.SELECTION] = replace(chosen, device=device)
    gpus = devices.visible_gpus(os.environ, devices.gpu_count()) if device == "cuda" else []
    config.stash[reporting.GPUS] = devices.GpuPool(gpus)
    if worker_input is None:
        traces = reporting.trace_folder()
        config.stash[reporting.TRACES] = traces
        deaths = config.stash[DEATHS] = Deaths(config, traces)
        config.add_cleanup(deaths.stop)
        config.pluginmanager.register(ExitStatus(deaths))
        config.add_cleanup(lambda: shutil.rmtree(traces, ignore_errors=True))
    benchmarks.choose_machine(config)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    try:
        has_gpus = config.getoption("--device") != "cpu" and devices.gpu_count()
        free = devices.free_memories() if has_gpus else ()
    except Foreseen as error:
        raise pytest.UsageError(str(error)) from error
    return devices.workers_for(free) or len(os.sched_getaffinity(0))


def pytest_configure_node(node: Any) -> None:
    # A new worker takes the place of a dead one, whose test has been reported by now if it left one.
    node.config.stash[DEATHS].tell_the_rest()
    node.config.stash[DEATHS].watch(node)
    node.workerinput["traces"] = str(node.config.stash[reporting.TRACES])
    node.workerinput["gpu"] = node.config.stash[reporting.GPUS].take(node.gateway.id)


def pytest_testnodedown(node: Any, error: object) -> None:
    node.config.stash[reporting.GPUS].give_back(node.gateway.id)
    if error and error != "keyboard-interrupt":
        node.config.stash[DEATHS].worker_died(node)


def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport, sched: Any) -> None:
    node: Any = vars(report)["node"]  # pytest-xdist's controller of the worker
    node.config.stash[DEATHS].test_lost(crashitem, report, sched)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("catalogue")
    if marker is None:
        return
    chosen = metafunc.config.stash[reporting.SELECTION]
    parameters = []
    for case in chosen_cases(chosen):
        if QUESTIONS.get(case.family, "values") not in marker.args:
            continue
        reason = reason_to_skip(case, device=chosen.device, contract=chosen.contract, quick=chosen.quick)
        marks = [pytest.mark.skip(reason=reason)] if reason else []
        parameters.append(pytest.param(case, id=case.id, marks=marks))
    metafunc.parametrize("case", parameters)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes minutes: --long runs it"))
    chosen = config.stash[reporting.SELECTION]
    if chosen.in_order:
        items[:] = order.as_named(items, reporting.case_id, chosen.patterns)
        return
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = order.dealt(items, reporting.weight, workers, light_first=config.getoption("maxfail") == 1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    trace = containment.trace_of(item.config)
    if trace is None:
        return (yield)
    trace.begin(item.nodeid)
    try:
        return (yield)
    finally:
        trace.end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.get_closest_marker("catalogue"):
        reporting.refuse_others_skips(report, item)
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    benchmarks.describe_machine(config, machine_info)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    benchmarks.describe_run(config, output_json)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if (carrier := vars(session.config).get("_benchmarksession")) is not None:
        benchmarks.choose_storage(carrier, session.config)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reporting.tell_skips(terminalreporter)
