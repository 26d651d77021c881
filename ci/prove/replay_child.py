"""Runs counterexamples on Triton's interpreter, in a process of its own.

The order: `implementation`, and `examples`, pairs of a function and a `Counterexample` with `of_undefined` beside it.

Messages: `{"step", "done", "of"}` before each, and `{"example", "seen"}` after it: by its place, what it did wrong.
"""

import os
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

from ci.processes import serve, tell
from tests.calls.implementations import load_implementation
from tests.cases.case import Case
from tests.instruments.absent_gpu import AbsentGpuCalls
from tests.instruments.proof.replay import Counterexample, replayed


def work(order: dict[str, Any]) -> None:
    """Run, and tell."""
    implementation = AbsentGpuCalls(Case(name="replay", rules=(13,))).of(load_implementation(order["implementation"]))
    examples = order["examples"]
    for number, (function, data, of_undefined) in enumerate(examples):
        tell(step=f"running a counterexample of {function}", done=number, of=len(examples))
        call = implementation.functions[function]
        try:
            seen = replayed(call, Counterexample.from_json(data), of_undefined=of_undefined)
        except Exception as error:  # the implementation's, or memory that is not to be had: nothing is shown
            tell(example=number, seen=[], error=f"{type(error).__name__}: {error}")
        else:
            tell(example=number, seen=seen[:1])


if __name__ == "__main__":
    serve(work)
