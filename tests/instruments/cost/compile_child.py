"""`python -m tests.instruments.cost.compile_child IMPL` compiles variants for GPUs that are not there.

Standard input: a JSON list of variants, as `Variant.as_json`. Messages: `{"error"}`; or `{"compiled", "target",
"figures"}` or `{"compiled", "target", "reason"}` for each variant, by its place, and target, with `step`, `done` and
`of` for who waits.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import triton

from tests.examine.implementations import NoImplementation, load_implementation
from tests.instruments.cost.compiling import CannotCompile, compile_variant, targets_of
from tests.instruments.cost.messages import open_messages, send
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

    def compile_for(job: tuple[int, str]) -> dict[str, Any]:
        place, target = job
        try:
            return {"compiled": place, "target": target, "figures": compile_variant(variants[place], target)}
        except CannotCompile as error:
            return {"compiled": place, "target": target, "reason": str(error)}

    jobs = [(place, target) for place, variant in enumerate(variants) for target in targets_of(variant.backend)]
    # Much of the time goes to the assembler and the disassembler, which are processes of their own.
    with ThreadPoolExecutor(max_workers=max(2, len(os.sched_getaffinity(0)))) as pool:
        for done, told in enumerate(pool.map(compile_for, jobs), start=1):
            step = f"compiled {variants[told['compiled']].name} for {told['target']}"
            send(messages, step=step, done=done, of=len(jobs), **told)


if __name__ == "__main__":
    main(sys.argv[1])
