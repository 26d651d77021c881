"""`./ci/gate kills`: examine subjects in processes, keep what was seen, sum it up."""

import os
import queue
import sys
import threading
from argparse import Namespace
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ci.kills import table
from ci.kills.kept import Kept
from ci.kills.others import ROWS
from ci.kills.plan import Task, drawn, in_order, light, tasks_of
from ci.kills.subjects import SUBJECTS, Subject
from ci.kills.witnesses import WITNESSES
from ci.processes import CannotRun, Process, TookTooLong
from ci.reports.console import console_on
from ci.reports.decision import Decision
from ci.reports.progress import Steps
from ci.reports.reporter import Reporter
from tests.calls import files
from tests.cases.catalogue import catalogue

WIDTH_WITHOUT_TERMINAL = 150
PATIENCE_SECONDS = 300.0
"""How long a process may say nothing: a case that takes longer hangs."""


def main(options: Namespace, start: Sequence[str]) -> int:
    """Examine all, and return the exit code."""
    reporter = Reporter("kills", options.report, console_on(sys.stdout, WIDTH_WITHOUT_TERMINAL))
    return reporter.of(lambda: _run(options, reporter))


def _run(options: Namespace, reporter: Reporter) -> int:
    device = _device(options.device)
    own = catalogue()
    cases = [*own, *ROWS]
    subjects = _chosen(options, device)
    if not subjects:
        raise CannotRun(f"--bug {', '.join(options.bugs)}: no bug that is planted there matches; expected style/name")
    kept = Kept(device, cases)
    with reporter.steps() as steps:
        run = _Run(device, options.workers or os.cpu_count() or 1, kept, steps)
        right = [subject for subject in subjects if subject.bug is None]
        bugs = [subject for subject in subjects if subject.bug is not None]
        run.all(tasks_of(right, [case for case in cases if not case.heavy], kept, "never", run.workers))
        run.all(tasks_of(bugs, in_order(own), kept, "first", run.workers))
        is_matrix = not options.first_only and device == "cpu"
        if is_matrix:
            witnesses = [subject for subject in bugs if subject.name in WITNESSES]
            run.all(tasks_of(witnesses, light(own, kept), kept, "never", run.workers))
        run.all(tasks_of(bugs, ROWS, kept, "never", run.workers))
        if device != "cpu":
            run.all(tasks_of(right, cases, kept, "never", run.workers))
    content = table.content(device, subjects, cases, kept, is_matrix=is_matrix)
    text = table.markdown(content)
    if options.markdown is not None:
        files.write(options.markdown, text)
    reporter.say(text, "")
    missed, alarms, undecided = content["missed"], content["alarms"], content["undecided"]
    decision = Decision.FINDINGS if missed or alarms else Decision.UNDECIDED if undecided else Decision.CLEAN
    return reporter.told(content, decision, table.summed_up(content))


def _device(asked: str) -> str:
    if asked != "auto":
        return asked
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _chosen(options: Namespace, device: str) -> list[Subject]:
    if options.bugs:
        named = [of for name, of in SUBJECTS.items() if of.bug and any(fnmatchcase(name, p) for p in options.bugs)]
        return [of for of in named if device == "cpu" or drawn(of)]
    return [subject for subject in SUBJECTS.values() if device == "cpu" or drawn(subject)]


class _Run:
    def __init__(self, device: str, workers: int, kept: Kept, steps: Steps) -> None:
        self.device, self.workers, self._kept, self._steps = device, workers, kept, steps

    def all(self, tasks: Iterable[list[Task]]) -> None:
        """Do stretches of tasks in as many processes as there are workers.

        Raises:
            CannotRun: a process could not be started.
        """
        waiting: queue.SimpleQueue[list[Task]] = queue.SimpleQueue()
        stretches = list(tasks)
        for stretch in stretches:
            waiting.put(stretch)
        self._of, self._done = sum(map(len, stretches)), 0
        failed: list[BaseException] = []

        def work() -> None:
            try:
                while not failed:
                    self._stretch(waiting.get_nowait())
            except queue.Empty:
                return
            except BaseException as error:
                failed.append(error)

        workers = [threading.Thread(target=work, daemon=True) for _ in range(min(self.workers, len(stretches)))]
        for worker in workers:
            worker.start()
        for worker in workers:
            while worker.is_alive():
                worker.join(0.5)  # so that a signal is heard
        if failed:
            raise failed[0]

    def _stretch(self, tasks: list[Task]) -> None:
        """Do tasks in one process, and those after one in which it ended in another."""
        while tasks:
            over, at, told = 0, None, dict[str, Any]()
            try:
                with self._process() as process:
                    for message in process.messages({"device": self.device, "tasks": [of.order for of in tasks]}):
                        if "begun" in message:
                            at, told = tasks[message["begun"]], {}
                            self._steps.at(at.subject.name, self._done, self._of)
                        elif at is None:
                            continue
                        elif "over" in message:
                            self._kept.add(at.subject, told, at.cases)
                            over, at = message["over"] + 1, None
                            self._done += 1
                        else:
                            told[message["case"]] = [message["seconds"], message["found"], message["undecided"]]
                return
            except CannotRun as error:
                if at is None and over == 0:
                    raise
                if at is None:  # it had lost its GPU
                    tasks = tasks[over:]
                    continue
                is_late = isinstance(error, TookTooLong)  # a slow machine, or a hang: who can tell
                found = [] if is_late else [[0, "process ended", "", False, str(error)]]
                ended = [0.0, found, str(error) if is_late else None]
                self._kept.add(at.subject, {**told, at.next(told): ended}, at.cases)
                tasks, self._done = tasks[over + 1 :], self._done + 1

    def _process(self) -> Process:
        on_cpu = {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""} if self.device == "cpu" else {}
        log = f"kills-{threading.get_ident()}.log"
        return Process("ci.kills.child", log, environment=on_cpu, patience=PATIENCE_SECONDS)
