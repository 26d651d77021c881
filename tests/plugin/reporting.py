"""What test reports carry and tell: findings, how a worker died, and every skip with its reason."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cases.case import Case
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.examine.selection import Selection
from tests.plugin.devices import GpuPool
from tests.plugin.pace import weight_of

TRACES = pytest.StashKey[Path]()
IS_LOOKED_AT = pytest.StashKey[bool]()
"""Whether whoever runs pytest knows that all that was chosen is there; to look takes torch where memory is fenced."""
SELECTION = pytest.StashKey[Selection]()
"""What is examined; its device is the one that was chosen, `cpu` or `cuda`."""
DEVICE = pytest.StashKey[str]()
GPUS = pytest.StashKey[GpuPool]()

EXAMINED = "examined"
"""Name of the report property that carries what the examination of a case came to, as a JSON object."""


def trace_folder() -> Path:
    """Return a new folder for the traces of this run's workers."""
    return Path(tempfile.mkdtemp(prefix="gather-traces-"))


def weight(item: pytest.Item) -> int:
    """Return about how long a test takes, in tokens of the case that it examines."""
    case = _case_of(item)
    return weight_of(case) if case and not item.get_closest_marker("skip") else 0


def case_id(item: pytest.Item) -> str:
    """Return the id of the case that a test examines, or nothing where it examines none."""
    case = _case_of(item)
    return case.id if case else ""


def _case_of(item: pytest.Item) -> Case | None:
    callspec = getattr(item, "callspec", None)
    case = callspec.params.get("case") if callspec else None
    return case if isinstance(case, Case) else None


def carried(examined: Examined) -> tuple[str, Any]:
    """Return the report property that carries what an examination came to."""
    return EXAMINED, examined.as_json()


def examined_of(report: pytest.TestReport) -> Examined | None:
    """Return what a test's report says of the examination of a case, or None where it says nothing of one."""
    properties: list[tuple[str, Any]] = report.user_properties
    return next((Examined.from_json(value) for name, value in properties if name == EXAMINED), None)


def findings_of(report: pytest.TestReport) -> list[Finding]:
    """Return the findings that a test's report carries."""
    examined = examined_of(report)
    return list(examined.findings) if examined else []


def refuse_others_skips(report: pytest.TestReport, item: pytest.Item) -> None:
    """Make a failure of a skip that is none of the harness's own, which are marks: nobody else leaves a case out."""
    if report.skipped and not item.get_closest_marker("skip"):
        why = skip_reason(report)
        report.outcome, report.longrepr = "failed", f"left out by something else than the harness: {why}"


def skip_reason(report: pytest.TestReport) -> str:
    """Return why a skipped test was skipped."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")


def tell_skips(terminal: Any) -> None:
    """Print how many tests were skipped for each reason."""
    reasons = Counter(skip_reason(report) for report in terminal.stats.get("skipped", []))
    if reasons:
        terminal.section("not run, and why")
        for reason, count in reasons.most_common():
            terminal.line(f"{count:5} {reason}")
