"""`./ci/gate fuzz`: search in processes, and tell the smallest rows that break a rule, and those left undecided."""

import os
import shlex
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ci.fuzz.options import Options
from ci.processes import Message, Process
from ci.reports.console import console_on
from ci.reports.decision import Decision, counted
from ci.reports.progress import Steps
from ci.reports.reporter import Reporter
from tests.calls.errors import Foreseen, short
from tests.plugin.devices import GpuPool, choose_device, free_memories, visible_gpus, workers_for

SILENT_SECONDS = 700.0
"""How long a process may say nothing: longer than it waits for a row that hangs, and hangs again alone."""


def main(options: Options, start: Sequence[str]) -> int:
    """Fuzz, and return the exit code."""
    about = {"implementation": options.selection.implementation}
    reporter = Reporter("fuzz", options.report, console_on(sys.stdout), about)
    return reporter.of(lambda: _run(options, start, reporter))


def _run(options: Options, start: Sequence[str], reporter: Reporter) -> int:
    selection = options.selection
    device = choose_device(selection.device)
    with reporter.steps() as steps, tempfile.TemporaryDirectory(prefix="gather-fuzz-") as traces:
        run = _Run(replace(options, selection=replace(selection, device=device)), Path(traces), steps)
        told = run.told()
    found = {message["row"]: message["findings"] for message in told if "row" in message}
    undecided = _together([of for message in told for of in message.get("undecided", ())])
    replay = [*start, "fuzz", *selection.arguments(("--impl", "--contract", "--device")), "--row"]
    for row, findings in found.items():
        broken = [f"rule {of['rule']}, {of['function']}: {of['message']}" for of in findings]
        reporter.section(f"{row},", [*broken, f"replay: {shlex.join([*replay, row])}"])
    for of in undecided:
        again = [f"replay: {shlex.join([*replay, of['case']])}"] if of["case"] else []
        reporter.section(f"{of['case'] or 'no row'},", [f"undecided: {_of_rows(of)}", *again])
    decision = Decision.FINDINGS if found else Decision.UNDECIDED if undecided or not run.examined else Decision.CLEAN
    why = f"; {_of_rows(undecided[0])}" if undecided else ""
    cases = f"{counted(len(found), 'row')} in {counted(run.examined, 'case')}"
    content = {
        "examined": run.examined,
        "findings": [{"row": row, "findings": findings} for row, findings in found.items()],
        "undecided": undecided,
    }
    return reporter.told(content, decision, f"{selection.implementation}: {cases}{why}")


def _of_rows(undecided: dict[str, Any]) -> str:
    """Return why some rows were not decided, and how many there were where there is more than one."""
    others = undecided["count"] - 1
    return undecided["reason"] + (f"; and {others} more like it" if others else "")


def _together(undecided: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each reason once, with the first row of it and the number of all."""
    together: dict[str, dict[str, Any]] = {}
    for of in undecided:
        known = together.setdefault(of["reason"], {**of, "count": 0})
        known["count"] += of["count"]
    return list(together.values())


class _Run:
    def __init__(self, options: Options, traces: Path, steps: Steps) -> None:
        self._options, self._traces, self._steps = options, traces, steps
        self._began = time.monotonic()
        self._done: dict[int, int] = {}
        """Cases that each process has examined."""

    @property
    def examined(self) -> int:
        """Cases that all processes have examined."""
        return sum(self._done.values())

    def told(self) -> list[Message]:
        """Return what the processes tell; what ends one of them is a reason not to decide."""
        told: list[Message] = []
        gpus = free_memories() if self._options.selection.device == "cuda" else ()
        pool = GpuPool(visible_gpus(os.environ, len(gpus)))
        workers = 1 if self._options.row else workers_for(gpus) or len(os.sched_getaffinity(0))
        threads = [
            threading.Thread(target=self._search, args=(number, pool.take(str(number)), told), daemon=True)
            for number in range(workers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.5)  # so that a signal is heard
        return told

    def _search(self, number: int, gpu: str | None, told: list[Message]) -> None:
        order = {
            "selection": self._options.selection.as_json(),
            "seconds": 60.0 * self._options.minutes,
            "seed": self._options.seed + number,
            "row": self._options.row,
            "trace": str(self._traces / f"{number}.json"),
        }
        environment = {} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}
        log = f"fuzz-{number}.log"
        try:
            with Process("ci.fuzz.child", log, environment=environment, patience=SILENT_SECONDS) as process:
                for message in process.messages(order):
                    if "step" in message:
                        self._at(number, message["done"])
                    else:
                        told.append(message)
        except Exception as error:
            reason = str(error) if isinstance(error, Foreseen) else short(error)
            told.append({"undecided": [{"case": None, "reason": reason, "count": 1}]})

    def _at(self, number: int, done: int) -> None:
        self._done[number] = done
        seconds = 60 * self._options.minutes
        so_far = min(int(time.monotonic() - self._began), seconds - 1)
        self._steps.at(counted(self.examined, "case"), so_far, seconds)
