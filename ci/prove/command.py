"""`./ci/gate prove`: prove in processes, run what may be counterexamples, tell."""

import os
import shlex
import sys
import tempfile
import threading
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from ci.processes import CannotRun, told_by
from ci.prove import tables
from ci.prove.options import OF_CONTENTS, OF_MEMORY, PRODUCTION
from ci.prove.outcome import WORDS, Proof, open_reasons, outcome_of, proofs_of, shown
from ci.prove.settings import settings
from ci.reports.console import console_on
from ci.reports.decision import Decision
from ci.reports.progress import Steps
from ci.reports.reporter import Reporter
from tests.contract import Rule
from tests.instruments.proof.answers import Answer

WIDTH_WITHOUT_TERMINAL = 150
PATIENCE_SECONDS = 600.0
"""How long a process may say nothing: a variant takes a minute where z3 finds no proof."""
MOST_PROCESSES = 8
"""More would spend their time on finding the ways through the host's code, each for itself."""
KEEPING_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(1 << 32), "MALLOC_MMAP_THRESHOLD_": str(1 << 32)}
"""For glibc: z3 gives back memory after each question, and takes as much for the next, for a fifth of the time."""


def main(options: Namespace, start: Sequence[str]) -> int:
    """Prove, and return the exit code."""
    about = {"implementation": options.implementation}
    reporter = Reporter("proof", options.report, console_on(sys.stdout, WIDTH_WITHOUT_TERMINAL), about)
    return reporter.of(lambda: _run(options, reporter))


def _run(options: Namespace, reporter: Reporter) -> int:
    with reporter.steps() as steps:
        proofs = prove(options, steps)
    decision = outcome_of(options.implementation, proofs, options.rules)
    rules = [Rule(rule) for rule in sorted(options.rules)] or list(OF_MEMORY)
    tables.show(reporter.console, options.implementation, proofs, rules)
    summary = tables.summed_up(options.implementation, proofs, rules)
    return reporter.told(_content(options, proofs), decision, summary, WORDS[decision])


def prove(options: Namespace, steps: Steps) -> list[Proof]:
    """Prove all that is asked for, and run what may be counterexamples.

    Raises:
        CannotRun: a process could not do its work.
    """
    # The last shares most with both others, and is begun when they have shown what holds of its loops.
    sequence = ("get_k_and_s", "get_s", "get_k")
    functions = [name for name in sequence if not options.functions or name in options.functions]
    named = {name: getattr(options, name) for name in PRODUCTION}
    tasks = [(function, setting) for setting in settings(options.everywhere, named) for function in functions]
    order = {"implementation": options.implementation, "tasks": tasks, "paths": options.paths}
    order["questions"] = questions(options.rules)
    proofs = _answered({**order, "patient": False}, steps)
    if not proofs:
        raise CannotRun(f"{options.implementation} has none of {', '.join(functions)}")
    is_refuted = outcome_of(options.implementation, proofs, options.rules) is Decision.FINDINGS
    # Where something is refuted, nobody waits for what else may be proved.
    return proofs if is_refuted or not any(map(_is_open, proofs)) else _answered({**order, "patient": True}, steps)


def _is_open(proof: Proof) -> bool:
    verdicts = (verdict for variant in proof.variants for verdict in variant if verdict.rule in OF_MEMORY)
    return any(verdict.answer is Answer.NOT_DECIDED for verdict in verdicts)


def _answered(order: dict[str, Any], steps: Steps) -> list[Proof]:
    with tempfile.TemporaryDirectory(prefix="prove-") as shared:
        told = _told_by_processes({**order, "shared": shared}, steps)
    return _replayed(order["implementation"], proofs_of([function for function, _ in order["tasks"]], told), steps)


def questions(rules: Sequence[int]) -> list[str]:
    """Return what has to be asked for rules to be answered."""
    of_memory = not rules or set(rules) & set(OF_MEMORY)
    return ["memory"] * bool(of_memory) + ["contents"] * bool(set(rules) & set(OF_CONTENTS))


def _told_by_processes(order: dict[str, Any], steps: Steps) -> list[dict[str, Any]]:
    """Have a process on each core go through the tasks, each from another one on."""
    count = min(len(os.sched_getaffinity(0)), MOST_PROCESSES)
    environment = {"TRITON_INTERPRET": None, "CUDA_VISIBLE_DEVICES": "", **KEEPING_MEMORY}
    told: list[dict[str, Any]] = []
    failed: list[BaseException] = []

    def work(number: int) -> None:
        of_this = {**order, "first": number * len(order["tasks"]) // count}
        options = {"environment": environment, "patience": PATIENCE_SECONDS}
        try:
            told.extend(told_by("ci.prove.child", f"prove-{number}.log", of_this, steps.at, **options))
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(count)]
    for worker in workers:
        worker.start()
    while not failed and any(worker.is_alive() for worker in workers):
        for worker in workers:
            worker.join(0.1)  # not for long, so that a signal is heard
    if failed:
        raise failed[0]
    return told


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
    # Small ones first: those of large batches take minutes, and are not run where another has shown the same.
    places.sort(key=lambda place: place[-1].numbers["batch"])
    examples = [
        (proofs[p].function, candidate.as_json(), [p, *proofs[p].variants[v][n].obligation])
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
