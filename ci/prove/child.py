"""Proves functions of an implementation in settings, in a process of its own: much that is asked of z3 is the same.

The order: `implementation`, as `--impl` names it, `functions`, `settings`, each as `Setting` names it, and
`paths`, how many ways through the host's code are followed at most.

Messages: `{"step", "done", "of"}` before each variant; for each variant `{"verdicts"}`; after those of a function in a
setting `{"function", "setting", "host"}`: what is known of the host's paths.
"""

from dataclasses import asdict
from typing import Any

from ci.processes import serve, tell
from ci.prove.cache import Cache, key_of
from tests.calls.implementations import Implementation, load_implementation
from tests.instruments.proof.answers import answered
from tests.instruments.proof.capture import Setting
from tests.instruments.proof.paths import host_paths


def work(order: dict[str, Any]) -> None:
    """Prove, and tell."""
    implementation = load_implementation(order["implementation"])
    for setting in order["settings"]:
        for function in order["functions"]:
            if function in implementation.functions:
                _prove(implementation, function, Setting(**setting), order["paths"], Cache())


def _prove(implementation: Implementation, function: str, setting: Setting, most: int, cache: Cache) -> None:
    tell(step=f"{function}, {setting.label}: ways through the host's code", done=0, of=0)
    found = host_paths(
        implementation,
        function,
        setting,
        lambda count: tell(step=f"{function}, {setting.label}: {count} ways through the host's code", done=0, of=0),
        most,
    )
    known: set[Any] = set()
    for number, launches in enumerate(found.launches.values()):
        tell(step=f"{function}, {setting.label}: variant {number + 1}", done=number, of=len(found.launches))
        conditions = sorted({"\n".join(term.sexpr() for term in launch.conditions) for launch in launches})
        key = key_of("variant", setting, *launches[0].key, *conditions)
        verdicts = cache.read(key) if not known else None
        if verdicts is None:
            verdicts = [verdict.as_json() for verdict in answered(launches, asdict(setting), known)]
            if not known:
                cache.write(key, verdicts)
        tell(verdicts=verdicts)
    host = {
        "paths": found.paths,
        "refused": found.refused,
        "empty": found.empty,
        "unmodelled": found.unmodelled,
        "open_branches": found.open_branches,
        "left": found.left,
        "choices": found.choices,
    }
    tell(function=function, setting=setting.label, host=host)


if __name__ == "__main__":
    serve(work)
