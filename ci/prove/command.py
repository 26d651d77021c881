"""`./ci/gate prove`: prove in processes, run what may be counterexamples, tell."""

import os
import queue
import shlex
import sys
import threading
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from ci.processes import CannotRun, told_by
from ci.prove import tables
from ci.prove.options import PROVABLE
from ci.prove.outcome import WORDS, Proof, open_reasons, outcome_of, shown
from ci.prove.settings import settings
from ci.reports.console import console_on
from ci.reports.progress import Steps
from ci.reports.reporter import Reporter
from tests.calls.implementations import FUNCTIONS
from tests.contract import Rule
from tests.instruments.proof.answers import Answer, Obligation

WIDTH_WITHOUT_TERMINAL = 150
PATIENCE_SECONDS = 600.0
"""How long a process may say nothing: a variant takes a minute where z3 finds no proof."""


def main(options: Namespace, start: Sequence[str]) -> int:
    """Prove, and return the exit code."""
    about = {"implementation": options.implementation}
    reporter = Reporter("proof", options.report, console_on(sys.stdout, WIDTH_WITHOUT_TERMINAL), about)
    return reporter.of(lambda: _run(options, reporter))


def _run(options: Namespace, reporter: Reporter) -> int:
    with reporter.steps() as steps:
        proofs = prove(options, steps)
    decision = outcome_of(options.implementation, proofs, options.rules)
    rules = [Rule(rule) for rule in options.rules] or list(PROVABLE)
    tables.show(reporter.console, options.implementation, proofs, rules)
    summary = tables.summed_up(options.implementation, proofs, rules)
    return reporter.told(_content(options, proofs), decision, summary, WORDS[decision])


def prove(options: Namespace, steps: Steps) -> list[Proof]:
    """Prove all that is asked for, and run what may be counterexamples.

    Raises:
        CannotRun: a process could not do its work.
    """
    # The simplest first: what held of its loops is tried first in the others. Settings share as much, in one process.
    functions = [name for name in reversed(FUNCTIONS) if not options.functions or name in options.functions]
    asked = settings(options.everywhere)
    parts = min(len(asked), len(os.sched_getaffinity(0)))
    tasks = [(functions, asked[part::parts]) for part in range(parts)]
    found = _in_processes(options, tasks, steps)
    if not found:
        raise CannotRun(f"{options.implementation} has none of {', '.join(functions)}")
    return _replayed(options.implementation, found, steps)


def _in_processes(options: Namespace, tasks: list[tuple[list[str], list[dict[str, Any]]]], steps: Steps) -> list[Proof]:
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(tasks)):
        waiting.put(number)
    done: dict[int, list[Proof]] = {}
    failed: list[BaseException] = []

    def work() -> None:
        try:
            while not failed:
                number = waiting.get_nowait()
                done[number] = _proved(
                    options, *tasks[number], lambda told, _, __: steps.at(told, len(done), len(tasks))
                )
        except queue.Empty:
            return
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(len(tasks))]
    for worker in workers:
        worker.start()
    for worker in workers:
        while worker.is_alive():
            worker.join(0.5)  # so that a signal is heard
    if failed:
        raise failed[0]
    return [proof for number in range(len(tasks)) for proof in done[number]]


def _proved(options: Namespace, functions: list[str], asked: list[dict[str, Any]], on_step: Any) -> list[Proof]:
    order = {
        "implementation": options.implementation,
        "functions": functions,
        "settings": asked,
        "paths": options.paths,
    }
    environment = {"TRITON_INTERPRET": None, "CUDA_VISIBLE_DEVICES": ""}
    log = f"prove-{threading.get_ident()}.log"
    told = told_by("ci.prove.child", log, order, on_step, environment=environment, patience=PATIENCE_SECONDS)
    proofs: list[Proof] = []
    variants: list[tuple[Obligation, ...]] = []
    for message in told:
        if "verdicts" in message:
            variants.append(tuple(map(Obligation.from_json, message["verdicts"])))
        else:
            proofs.append(Proof(message["function"], message["setting"], tuple(variants), message["host"]))
            variants = []
    return proofs


def _replayed(implementation: str, proofs: list[Proof], steps: Steps) -> list[Proof]:
    places = [
        (p, v, n, candidate)
        for p, proof in enumerate(proofs)
        for v, variant in enumerate(proof.variants)
        for n, verdict in enumerate(variant)
        for candidate in verdict.candidates
    ]
    if not places:
        return proofs
    examples = [
        (proofs[p].function, candidate.as_json(), proofs[p].variants[v][n].rule is Rule.UNDEFINED)
        for p, v, n, candidate in places
    ]
    order = {"implementation": implementation, "examples": examples}
    environment = {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    told = told_by(
        "ci.prove.replay_child", "replay.log", order, steps.at, environment=environment, patience=PATIENCE_SECONDS
    )
    return shown(proofs, [(*places[message["example"]], message["seen"]) for message in told])


def _content(options: Namespace, proofs: list[Proof]) -> dict[str, Any]:
    return {
        "command": shlex.join(["./ci/gate", "prove", "--impl", options.implementation]),
        "proofs": [
            {
                "function": proof.function,
                "setting": proof.setting,
                "host": proof.host,
                "variants": [[verdict.as_json() for verdict in variant] for variant in proof.variants],
            }
            for proof in proofs
        ],
        "undecided": open_reasons(options.implementation, proofs, options.rules),
        "findings": [
            {"function": proof.function, **verdict.as_json()}
            for proof in proofs
            for variant in proof.variants
            for verdict in variant
            if verdict.answer is Answer.REFUTED and verdict.candidates
        ],
    }
