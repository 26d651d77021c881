"""Runs counterexamples on Triton's interpreter, in a process of its own.

The order: `implementation`, and `examples`: a function, a `Counterexample`, and the number of the proof and obligation
that it is of. Once one has shown that an obligation does not hold, others of it are left out.

Messages: `{"step", "done", "of"}` before each, and `{"example", "seen"}` after it: by its place, what it did wrong.
"""

import os
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

from ci.processes import serve, tell
from tests.calls.implementations import load_implementation
from tests.cases.case import Case
from tests.contract import Rule
from tests.instruments.absent_gpu import AbsentGpuCalls
from tests.instruments.proof.replay import Counterexample, replayed


def work(order: dict[str, Any]) -> None:
    """Run, and tell."""
    implementation = AbsentGpuCalls(Case(name="replay", rules=(13,))).of(load_implementation(order["implementation"]))
    examples = order["examples"]
    shown: list[Any] = []
    for number, (function, data, obligation) in enumerate(examples):
        if obligation in shown:
            continue
        _, rule, *_ = obligation
        tell(step=f"running a counterexample of {function}", done=number, of=len(examples))
        call = implementation.functions[function]
        try:
            seen = replayed(call, Counterexample.from_json(data), of_undefined=rule == Rule.UNDEFINED)
        except Exception as error:  # the implementation's, or memory that is not to be had: nothing is shown
            tell(example=number, seen=[], error=f"{type(error).__name__}: {error}")
        else:
            tell(example=number, seen=seen[:1])
            shown += [obligation] if seen else []


if __name__ == "__main__":
    serve(work)
