"""`./ci/gate fuzz`: search in processes, and tell the smallest rows that break a rule."""

import os
import shlex
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ci.fuzz.options import Options
from ci.processes import Message, told_by
from ci.reports.console import console_on
from ci.reports.decision import Decision, counted
from ci.reports.progress import Steps
from ci.reports.reporter import Reporter
from tests.plugin.devices import gpu_count

SILENT_SECONDS = 400.0
"""How long a process may say nothing."""


def main(options: Options, start: Sequence[str]) -> int:
    """Fuzz, and return the exit code."""
    about = {"implementation": options.selection.implementation}
    reporter = Reporter("fuzz", options.report, console_on(sys.stdout), about)
    return reporter.of(lambda: _run(options, start, reporter))


def _run(options: Options, start: Sequence[str], reporter: Reporter) -> int:
    with reporter.steps() as steps:
        told = _in_processes(options, steps)
        drawn = list(dict.fromkeys(message["row"] for message in told if "row" in message))
        # A process examines many cases, and what one left behind may have broken another: a row has to do so alone.
        again = told if options.row else [m for row in drawn for m in _in_processes(replace(options, row=row), steps)]
    found = {message["row"]: message["findings"] for message in again if "row" in message}
    examined = sum(message.get("examined", 0) for message in told)
    undecided = sorted({reason for message in [*told, *again] for reason in message.get("undecided", ())})
    undecided += [f"broke a rule behind other calls, and none alone: {row}" for row in drawn if row not in found]
    for row, findings in found.items():
        replay = [*start, "fuzz", *options.selection.arguments(("--impl", "--contract", "--device")), "--row", row]
        broken = [f"rule {of['rule']}, {of['function']}: {of['message']}" for of in findings]
        reporter.section(f"{row},", [*broken, f"replay: {shlex.join(replay)}"])
    decision = Decision.FINDINGS if found else Decision.UNDECIDED if undecided or not examined else Decision.CLEAN
    why = f"; {undecided[0]}" if undecided else ""
    summary = f"{options.selection.implementation}: {counted(len(found), 'row')} in {counted(examined, 'case')}{why}"
    content = {
        "examined": examined,
        "findings": [{"row": row, "findings": findings} for row, findings in found.items()],
        "undecided": [{"case": None, "reason": reason} for reason in undecided],
    }
    return reporter.told(content, decision, summary)


def _in_processes(options: Options, steps: Steps) -> list[Message]:
    gpus = gpu_count() if options.selection.device != "cpu" else 0
    workers = 1 if options.row else gpus or os.cpu_count() or 1
    told: list[Message] = []
    failed: list[BaseException] = []

    def search(number: int) -> None:
        order = {
            "selection": options.selection.as_json(),
            "seconds": 60.0 * options.minutes,
            "seed": options.seed + number,
            "row": options.row,
        }
        environment: dict[str, str | None] = {"CUDA_VISIBLE_DEVICES": _visible(number)} if gpus else {}
        on_step: Any = lambda step, done, of: steps.at(f"{step} of process {number + 1}", done, of)  # noqa: E731
        try:
            told.extend(
                told_by(
                    "ci.fuzz.child",
                    f"fuzz-{number}.log",
                    order,
                    on_step,
                    environment=environment,
                    patience=SILENT_SECONDS,
                )
            )
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=search, args=(number,), daemon=True) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.5)  # so that a signal is heard
    if failed and not any("row" in message for message in told):
        raise failed[0]
    return told


def _visible(number: int) -> str:
    """Return the GPU of a process, among those that this one may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return named.split(",")[number] if named else str(number)
