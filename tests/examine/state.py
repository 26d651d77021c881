"""Rule 7: calls one after the other, none of which may see what an earlier one left behind."""

import gc
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from itertools import combinations, pairwise
from typing import Any

import torch

from tests.calls.attempt import attempt
from tests.calls.fetching import Fetch, same
from tests.calls.implementations import Implementation
from tests.calls.inputs import Inputs
from tests.calls.memory import Memory
from tests.cases.case import Case
from tests.cases.plan import plan
from tests.examine.blame import Seen
from tests.examine.call import POISONS, Caller
from tests.examine.comparison import Expectation
from tests.examine.finding import Finding, Findings
from tests.examine.judgement import compare, returned
from tests.examine.process_state import ProcessState, held_bytes
from tests.examine.results import extent, shared

CALLS_BETWEEN_COUNTS = 2
COUNTS = 3
"""How often memory is counted; what is made up to the first count is no growth."""


@dataclass(frozen=True)
class _Made:
    """A call that was made."""

    number: int
    case: Case
    found: Findings
    results: dict[str, torch.Tensor]
    copies: dict[str, torch.Tensor]
    """Of the results, as they were returned."""

    @property
    def faults(self) -> list[Finding]:
        """What was wrong with the call."""
        return self.found.all

    def __str__(self) -> str:
        return f"call {self.number}"


class StateExamination:
    """Makes the calls of a case with each function.

    Args:
        implementation: the functions to call.
        case: has the calls.
        findings: get what is wrong.
        device: where the calls are made.
        memory: that their arguments lie in.
        caller_for: returns what calls a function on one of the calls' cases, and notes what is wrong.
    """

    def __init__(
        self,
        implementation: Implementation,
        case: Case,
        findings: Findings,
        device: torch.device,
        memory: Memory,
        caller_for: Callable[[Case, Findings], Caller],
    ) -> None:
        self._implementation = implementation
        self._findings = findings
        self._caller_for = caller_for
        # Calls bear the whole case's name: it is what a finding cites.
        self._calls = [replace(call, family=case.family, name=case.name) for call in case.calls]
        # Equal calls have their contents at equal addresses.
        self._inputs = [Inputs(self._calls[place], device, memory) for place in self._different()]

    def run(self, call: Callable[..., Any]) -> None:
        """Make the calls with one function, and note what is wrong."""
        made: list[_Made] = []
        for number, place in enumerate(self._places(), 1):
            made.append(self._make(call, self._inputs[place], number))
            self._note(made[-1])
            if made[-1].faults:
                self._judge(made, self._inputs[place])
                break
        self._held(made)
        if len(self._inputs) == 1 and not self._findings.all:
            self._growth(call, self._inputs[0])

    def _note(self, made: _Made) -> None:
        if made.found.refused:
            self._findings.refuse()
        elif any(len(result) for result in made.results.values()):
            self._findings.rows(are_right=not made.faults)

    def _different(self) -> list[int]:
        return [place for place, call in enumerate(self._calls) if self._calls.index(call) == place]

    def _places(self) -> list[int]:
        """Return for each call its place among those that differ."""
        different = self._different()
        return [different.index(self._calls.index(call)) for call in self._calls]

    def _make(self, call: Callable[..., Any], inputs: Inputs, number: int) -> _Made:
        inputs.write(plan(inputs.case, variation=number))
        findings = Findings(inputs.case, self._findings.contract, self._findings.function)
        before = ProcessState(inputs.device)
        outcome = self._caller_for(inputs.case, findings).call(
            call, inputs, POISONS[0], f"call {number} of {len(self._calls)}"
        )
        for setting in before.changed():
            self._findings.add(Seen.STATE, f"call {number} changed {setting}", setting.partition(" from ")[0])
        if returned(outcome, inputs.case, findings):
            expected = Expectation(inputs.case, inputs.plan, inputs.device)
            compare(outcome, expected, POISONS[0], findings)
        return _Made(number, inputs.case, findings, outcome.results, outcome.copies())

    def _judge(self, made: list[_Made], inputs: Inputs) -> None:
        """Blame the last call's faults on its past where a fresh copy, that has none, does not have them.

        Without a fresh copy, its past is to blame only where rows of an earlier call came back.
        """
        last = made[-1]
        fresh = self._implementation.fresh()
        call = fresh and fresh.functions.get(self._findings.function)
        returned_again = _returned_again(made)
        if call:
            known = {fault.fault for fault in self._make(call, inputs, last.number).faults}
        else:
            known = set() if returned_again else {fault.fault for fault in last.faults}
        for fault in last.faults:
            if fault.fault in known:
                self._findings.take(replace(fault, message=f"{last} of {len(self._calls)}: {fault.message}"))
        of_past = [fault for fault in last.faults if fault.fault not in known]
        if of_past:
            alone = ", and right alone" if call else ""
            after = returned_again or _differing(made)
            message = f"{last} of {len(self._calls)} is wrong {after}{alone}: {of_past[0].message}"
            self._findings.add(Seen.STATE, message, "rows")

    def _held(self, made: list[_Made]) -> None:
        """Look at the results of all calls, which were held until now."""
        extents = [{part: extent(result) for part, result in of.results.items()} for of in made]
        for (earlier, before), (later, after) in combinations(zip(made, extents, strict=True), 2):
            for part, place in before.items():
                if any(shared(place, other) for other in after.values()):
                    self._findings.add(
                        Seen.RESULT_CHANGED, f"{later} returned results in the memory of the {part} of {earlier}"
                    )
        fetch = Fetch()
        looks = [(of, part, fetch.differs(of.results[part], held)) for of in made for part, held in of.copies.items()]
        for of, part, is_other in looks:
            if is_other():
                self._findings.add(Seen.RESULT_CHANGED, f"a later call changed the {part} of {of}")

    def _growth(self, call: Callable[..., Any], inputs: Inputs) -> None:
        """Count memory while calls are made whose results are let go of."""
        grown = self._grown(call, inputs)
        if min(grown) >= CALLS_BETWEEN_COUNTS:
            # It may be garbage that Python has not come round to.
            gc.collect()
            grown = self._grown(call, inputs)
        if min(grown) >= CALLS_BETWEEN_COUNTS:
            message = (
                f"memory grows from call to call: {sum(grown):,} bytes were kept of "
                f"{len(grown) * CALLS_BETWEEN_COUNTS} calls whose results were let go of"
            )
            self._findings.add(Seen.STATE, message, "memory", bytes=sum(grown))

    def _grown(self, call: Callable[..., Any], inputs: Inputs) -> list[int]:
        """Return by how many bytes memory grows with each few calls, after the first few."""
        counts = []
        for _ in range(COUNTS):
            for _ in range(CALLS_BETWEEN_COUNTS):
                _, raised = attempt(call, *inputs.arguments)
                if raised is not None:
                    self._findings.raised(raised, message="after all the calls before it, a call {}")
                    return [0]
            counts.append(held_bytes(inputs.device))
        return [after - before for before, after in pairwise(counts)]


def _returned_again(made: list[_Made]) -> str:
    """Return which earlier call is seen in the last one; nothing if none is."""
    *earlier, last = made
    for of in reversed(earlier):
        for part, result in last.copies.items():
            known = of.copies.get(part, result[:0])
            rows = min(len(result), len(known))
            if rows and same(result[:rows].cpu(), known[:rows].cpu()):
                return f"after {of}, whose first {rows} rows of {part} it returned"
    return ""


def _differing(made: list[_Made]) -> str:
    """Return what the first call had that the last one has not."""
    *earlier, last = made
    if not earlier:
        return "after calls of earlier cases"
    before = earlier[0]
    differing = [
        f"{name} {getattr(before.case, name)}, not {getattr(last.case, name)}"
        for name in (field.name for field in fields(Case))
        if name != "rules" and getattr(before.case, name) != getattr(last.case, name)
    ]
    return f"after {before}" + (f" with {', '.join(differing)}" if differing else "")
