"""Proves functions of an implementation in settings, beside other processes that have the same order.

The order: `implementation`, as `--impl` names it; `tasks`, each a function and a setting, as `Setting` names it;
`first`, the number of the task to begin with; `questions`, of `memory`, `contents`; `patient`, as `answered` takes it;
`paths`, how many ways through the host's code are followed at most; and `shared`, an empty folder in which processes
tell one another what each has taken.

Messages: `{"step", "done", "of"}` before each variant; for each variant `{"task", "variant", "verdicts"}`; after those
of a task `{"task", "host"}`: what is known of the host's paths. Each process tells of the variants that it has taken.
"""

from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from ci.processes import serve, tell
from ci.prove.cache import store
from tests.calls.implementations import Implementation, load_implementation
from tests.instruments.proof.answers import Answer, Obligation, answered
from tests.instruments.proof.capture import Setting
from tests.instruments.proof.contents import contents
from tests.instruments.proof.kept import KEPT, kept
from tests.instruments.proof.launch import SymbolicLaunch
from tests.instruments.proof.paths import host_paths


def work(order: dict[str, Any]) -> None:
    """Prove, and tell."""
    KEPT.set(store())
    implementation = load_implementation(order["implementation"])
    shared = Path(order["shared"])
    count = len(order["tasks"])
    for task in ((order["first"] + step) % count for step in range(count)):
        function, setting = order["tasks"][task]
        over = shared / f"over-{task}"
        if function in implementation.functions and not over.exists():
            _prove(implementation, task, function, Setting(**setting), order, shared)
            over.touch()


def _prove(
    implementation: Implementation, task: int, function: str, setting: Setting, order: dict[str, Any], shared: Path
) -> None:
    told = f"{function}, {setting.label}"
    tell(step=f"{told}: ways through the host's code", done=0, of=0)
    found = host_paths(
        implementation,
        function,
        setting,
        lambda count: tell(step=f"{told}: {count} ways through the host's code", done=0, of=0),
        order["paths"],
    )
    known: set[Any] = set()
    for number, launches in enumerate(found.launches.values()):
        asked = _asked(setting, launches)
        name = sha256("\0".join((str(task), *asked)).encode()).hexdigest()
        if not _is_first(shared / name):
            continue
        tell(step=f"{told}: variant {number + 1}", done=number, of=len(found.launches))
        asked_of = partial(_verdicts, launches, asked, function, setting, known, order["patient"])
        verdicts = [verdict for question in order["questions"] for verdict in asked_of(question)]
        tell(task=task, variant=name, verdicts=verdicts)
    host = {
        "setting": setting.label,
        "paths": found.paths,
        "variants": len(found.launches),
        "refused": found.refused,
        "empty": found.empty,
        "unmodelled": found.unmodelled,
        "open_branches": found.open_branches,
        "left": found.left,
        "choices": found.choices,
    }
    tell(task=task, host=host)


def _verdicts(
    launches: list[SymbolicLaunch],
    asked: tuple[str, ...],
    function: str,
    setting: Setting,
    known: set[Any],
    patient: bool,
    question: str,
) -> list[dict[str, Any]]:
    """Return the answers to one question, kept or new: patience is for what stays open of accesses without it."""
    is_of_memory = question == "memory"
    if is_of_memory and patient:
        impatient = _verdicts(launches, asked, function, setting, set(known), False, question)
        if all(verdict["answer"] == Answer.PROVED.value for verdict in impatient):
            return impatient
    key = (question, patient and is_of_memory, *asked, *(sorted(known) if is_of_memory else [function]))
    verdicts = kept().read(*key)
    if verdicts is None:
        data = asdict(setting)
        if is_of_memory:
            found = answered(launches, data, set(known), patient=patient)
        else:
            found = contents(launches, function, data)
        verdicts = [verdict.as_json() for verdict in found]
        kept().write(verdicts, *key)
    known |= {verdict.obligation for verdict in map(Obligation.from_json, verdicts) if verdict.candidates}
    return verdicts


def _asked(setting: Setting, launches: list[SymbolicLaunch]) -> tuple[str, ...]:
    """Return all that a variant's answers depend on."""
    conditions = sorted({"\n".join(term.sexpr() for term in launch.conditions) for launch in launches})
    return str(setting), *launches[0].key, *conditions


def _is_first(mark: Path) -> bool:
    """Whether no process was here before."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


if __name__ == "__main__":
    serve(work)
