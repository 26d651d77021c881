"""`python -m ci.cost.compile_child IMPL` compiles variants for GPUs that are not there.

Standard input: a JSON list of variants, as `Variant.as_json`. Messages: `{"error"}`; or `{"compiled", "target",
"figures"}` or `{"compiled", "target", "reason"}` for each variant, by its place, and target; `{"step", "done", "of"}`
before each compilation; `{"end"}`.
"""

import json
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import triton

from ci.cost.messages import open_messages, send
from tests.calls.implementations import NoImplementation, load_implementation
from tests.instruments.cost.compiling import CannotCompile, compile_variant, figures_of, targets_of
from tests.instruments.cost.variants import Variant


def main(spec: str) -> None:
    messages = open_messages()
    if triton.knobs.runtime.interpret:
        send(messages, error="Triton interprets in this process, and compiles nothing: unset TRITON_INTERPRET")
        return
    variants = [Variant.from_json(data) for data in json.load(sys.stdin)]
    try:
        load_implementation(spec)
    except NoImplementation as error:
        send(messages, error=str(error))
        return

    jobs = [(place, target) for place, variant in enumerate(variants) for target in targets_of(variant.backend)]
    outcomes = []
    with ThreadPoolExecutor(max_workers=2) as readers:
        for done, (place, target) in enumerate(jobs):
            send(messages, step=f"{variants[place].name} for {target}", done=done, of=len(jobs))
            outcomes.append(_compile(variants[place], target, readers))
        for (place, target), outcome in zip(jobs, outcomes, strict=True):
            send(messages, compiled=place, target=target, **_told(outcome))
    send(messages, end=True)


def _compile(variant: Variant, target: str, readers: ThreadPoolExecutor) -> Future[dict[str, int]]:
    """Compile now, and read the machine code, which takes another process, while the next is compiled."""
    try:
        return readers.submit(figures_of, compile_variant(variant, target))
    except CannotCompile as error:
        failed: Future[dict[str, int]] = Future()
        failed.set_exception(error)
        return failed


def _told(outcome: Future[dict[str, int]]) -> dict[str, Any]:
    try:
        return {"figures": outcome.result()}
    except CannotCompile as error:
        return {"reason": str(error)}


if __name__ == "__main__":
    main(sys.argv[1])
