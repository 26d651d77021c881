"""Examining cases again, one after the other, in a process that has examined nothing before."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests import ROOT
from tests.examine.examined import Examined
from tests.examine.selection import Selection

MODULE = "tests.plugin.alone"


def examine_afresh(selection: Selection, cases: Sequence[str], seconds: float) -> Examined | None:
    """Return what the last of some cases comes to in a process of its own, or None where it does not get there.

    Args:
        selection: of the run; its device is the one that the run is on.
        cases: ids, in order.
        seconds: what the process may take.
    """
    with tempfile.TemporaryDirectory(prefix="gather-alone-") as folder:
        answer = Path(folder) / "answer.json"
        order = {
            "selection": selection.of_cases(*cases).as_json(),
            "cases": list(cases),
            "path": sys.path,
            "answer": str(answer),
        }
        _run(json.dumps(order), seconds)
        try:
            return Examined.from_json(json.loads(answer.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None


def _run(order: str, seconds: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", MODULE],
        stdin=subprocess.PIPE,
        # What it prints belongs into the log, as what this process prints.
        stdout=sys.__stderr__,
        stderr=sys.__stderr__,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    try:
        with suppress(subprocess.TimeoutExpired):  # then nobody knows what it would have told
            process.communicate(order, timeout=seconds)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
