"""Compiles variants for GPUs that are not there, in a process of their own.

The order: `implementation`, as `--impl` names it, and `variants`, a list of them, as `ci.cost.count_child`
tells them.

Messages: `{"step", "done", "of"}` before each compilation; and for each variant, by its place, and target
`{"compiled", "target", "figures"}` or `{"compiled", "target", "reason"}`.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import triton

from ci.processes import CannotRun, serve, tell
from tests.calls.implementations import load_implementation
from tests.instruments.cost.compiling import CannotCompile, compile_variant, figures_of, targets_of
from tests.instruments.cost.variants import Variant


def work(order: dict[str, Any]) -> None:
    """Compile, and tell.

    Raises:
        CannotRun: Triton does not compile here.
    """
    if triton.knobs.runtime.interpret:
        raise CannotRun("Triton interprets in this process, and compiles nothing: unset TRITON_INTERPRET")
    told = enumerate(order["variants"])
    variants = {place: Variant.from_json(data) for place, data in told if "reason" not in data}
    load_implementation(order["implementation"])
    jobs = [(place, target) for place, variant in variants.items() for target in targets_of(variant.backend)]
    outcomes: list[Future[dict[str, int]] | str] = []
    with ThreadPoolExecutor(max_workers=2) as readers:
        for done, (place, target) in enumerate(jobs):
            tell(step=f"{variants[place].name} for {target}", done=done, of=len(jobs))
            try:
                # Compiled now; the machine code, which takes another process, is read while the next is compiled.
                outcomes.append(readers.submit(figures_of, compile_variant(variants[place], target)))
            except CannotCompile as error:
                outcomes.append(str(error))
        for (place, target), outcome in zip(jobs, outcomes, strict=True):
            tell(compiled=place, target=target, **_told(outcome))


def _told(outcome: Future[dict[str, int]] | str) -> dict[str, Any]:
    try:
        return {"reason": outcome} if isinstance(outcome, str) else {"figures": outcome.result()}
    except CannotCompile as error:
        return {"reason": str(error)}


if __name__ == "__main__":
    serve(work)
