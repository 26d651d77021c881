"""Running the examinations: pytest in this process, cases in workers, their output in a log."""

import os
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import xdist.dsession  # noqa: F401 - as the next: pytest imports it when all wait for that, and now others import as well

import tests.plugin.hooks  # noqa: F401
from ci.examination.collector import Collector
from tests import ROOT
from tests.calls import files
from tests.cases.case import QUESTIONS

LOGS_KEPT = 20


def run(options: Namespace, runnable: int, collector: Collector, log: Path) -> None:
    """Examine every chosen case, and leave the results with the collector.

    Args:
        options: what the user asks for, on `cuda` or `cpu`.
        runnable: cases that will not be skipped; more workers than these would only cost their start.
        collector: gets the results.
        log: gets what pytest and the workers print.
    """
    # They could leave cases out, and nobody would see it.
    os.environ.pop("PYTEST_ADDOPTS", None)
    arguments = pytest_arguments(options, runnable)
    with _output_to(log):
        code = pytest.main(arguments, plugins=[collector])
    is_stopped = bool(collector.interrupted) or (options.fail_fast and collector.any_unclean)
    trouble = trouble_in(int(code), any_unclean=collector.any_unclean, is_stopped=is_stopped)
    if trouble and not collector.troubles:  # what has been told says more
        collector.troubles.append(trouble)


def trouble_in(code: int, *, any_unclean: bool, is_stopped: bool) -> str | None:
    """Return what pytest's exit status says against a run, if anything.

    Args:
        code: the exit status.
        any_unclean: whether a test reported findings or no decision.
        is_stopped: whether the run was stopped before its end, as its user wished.
    """
    expected = {pytest.ExitCode.OK}
    if any_unclean:
        expected.add(pytest.ExitCode.TESTS_FAILED)
    if is_stopped:
        expected.add(pytest.ExitCode.INTERRUPTED)
    if code in expected:
        return None
    names = {int(known): known.name.lower().replace("_", " ") for known in pytest.ExitCode}
    return f"pytest ended with code {code}, {names.get(code, 'which it does not know')}"


def examinations() -> list[Path]:
    """Return the files of the suite that examine the implementation, one for each question of the catalogue."""
    return [ROOT / "tests" / f"test_{question}.py" for question in QUESTIONS]


def pytest_arguments(options: Namespace, runnable: int) -> list[str]:
    """Return pytest's command line for a run."""
    arguments = list(map(str, examinations()))
    arguments += ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", "-v"]
    # These files assert nothing, and have nothing to do with what imports hypothesis for its last words.
    arguments += ["--assert=plain", "-p", "no:hypothesispytest"]
    arguments += ["-n", str(options.workers or "auto"), "--maxprocesses", str(max(runnable, 1))]
    arguments += options.selection.arguments()
    if options.fail_fast:
        arguments.append("--exitfirst")
    return arguments


def new_log() -> Path:
    """Return the path of this run's log, and remove the oldest: others may be writing to theirs."""
    folder = ROOT / ".gate"
    try:
        folder.mkdir(exist_ok=True)
    except OSError:  # the project may lie where nobody may write
        folder = Path(tempfile.mkdtemp(prefix="gate-"))
    with suppress(FileNotFoundError):  # another run removes them as well
        for old in sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)[: -LOGS_KEPT + 1]:
            old.unlink(missing_ok=True)
    return folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Send what this process and its workers print to a file, by descriptor, as dying workers write."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, original in zip((1, 2), kept, strict=True):
            os.dup2(original, descriptor)
            os.close(original)
        files.make_harmless(log)
