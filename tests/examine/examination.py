"""The one function that examines an implementation on a case. Everything that looks for bugs calls it."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from kernels.peers.foreign import NotPrepared, foreign_in
from tests.calls.attempt import attempt
from tests.calls.errors import Foreseen
from tests.calls.fetching import Fetch, same
from tests.calls.implementations import Implementation
from tests.calls.inputs import Inputs
from tests.calls.memory import Memory
from tests.cases.case import Case
from tests.cases.plan import plan
from tests.contract import Contract, Rule
from tests.examine.asked import NotAsked, require_asked
from tests.examine.blame import Seen
from tests.examine.call import EARLIER_RESULT, POISONS, Caller, Instrument, OnStep, Outcome
from tests.examine.comparison import Expectation
from tests.examine.examined import PROVES_NOTHING, Examined
from tests.examine.finding import Findings, OnFound
from tests.examine.growth import examine_growth
from tests.examine.judgement import compare, returned
from tests.examine.logits import LogitsExamination
from tests.examine.process_state import ProcessState
from tests.examine.relations import examine_relation
from tests.examine.results import fetched
from tests.examine.state import StateExamination
from tests.examine.streams import capture, rewritten_on_side_stream
from tests.instruments.red_zones import RedZonedMemory

MANY_ROWS = 1 << 22
"""Rows of a result that is compared in seconds, not in milliseconds."""
FEW_ROWS = 2_000
"""Rows of a result that costs little even on the interpreter."""


class ProvesNothing(Foreseen):
    """What a call did says nothing about the implementation."""


def examine(
    implementation: Implementation,
    case: Case,
    *,
    contract: Contract = Contract.STRICT,
    device: torch.device,
    instruments: Sequence[Instrument] = (),
    memory: Callable[[], Memory] = RedZonedMemory,
    on_step: OnStep = lambda function, step: None,
    on_found: OnFound = lambda findings: None,
) -> Examined:
    """Examine an implementation on one case, under the given instruments.

    Args:
        implementation: the functions to call.
        case: the case; its rules decide what is expected.
        contract: the level of promise; findings of higher rules are left out.
        device: where arguments and results live.
        instruments: what each call runs under.
        memory: makes the memory that arguments and results live in.
        on_step: told before each call.
        on_found: told what is found, as soon as it is.

    Returns:
        What it came to: findings, none if every promise was kept; and why it could not decide, where what was examined
        needs something that is not there.

    Raises:
        DeviceLost: the GPU's context is gone, and with it this process's use of the GPU.
    """
    settings = ProcessState(device)
    lent = memory()
    findings = Findings(case, contract, on_found=on_found)
    try:
        examined = _Examination(implementation, case, findings, device, instruments, lent, on_step).run()
    finally:  # else what was lent stays taken, and the next case finds less
        lent.close()
    settings.changed()  # else the case that looks for changes finds them made
    return examined


class _Examination:
    def __init__(
        self,
        implementation: Implementation,
        case: Case,
        findings: Findings,
        device: torch.device,
        instruments: Sequence[Instrument],
        memory: Memory,
        on_step: OnStep,
    ) -> None:
        self.implementation = implementation
        of_first = sorted(implementation.functions.items(), key=lambda item: item[0] != case.first)
        self.functions = dict(of_first)
        """In the order in which they are examined."""
        self.case = case
        self.contract = findings.contract
        self.device = device
        self.memory = memory
        self.findings = findings
        self.instruments = instruments
        self.on_step = on_step
        self.caller = self._caller_for(case, self.findings)
        self.first_results: dict[str, dict[str, torch.Tensor]] = {}
        """By function."""

    def _caller_for(self, case: Case, findings: Findings) -> Caller:
        return Caller(case, self.contract, self.device, self.instruments, self.memory, self.on_step, findings)

    def run(self) -> Examined:
        examine_function = self._way()
        undecided, not_asked = None, dict[str, str]()
        for function, call in self.functions.items():
            self.findings.function = function
            try:
                self._require_asked(call)
                examine_function(call)
            except NotAsked as why:
                not_asked[function] = str(why)
            except Foreseen as why:
                undecided = undecided or str(why)
        self._same_from_each_function()
        # Needless traffic is often the consequence of another fault: it is told last.
        findings = sorted(self.findings.all, key=lambda finding: finding.rule is Rule.TRAFFIC)
        refused, right = tuple(self.findings.refused), tuple(self.findings.right)
        is_out = len(not_asked) == len(self.functions) and not findings
        not_run = next(iter(not_asked.values())) if is_out else None
        return Examined(self.case.id, tuple(findings), undecided, not_run, refused, right)

    def _require_asked(self, call: Callable[..., Any]) -> None:
        """Check that the case's point reaches what is behind an adapter; see `require_asked`."""
        if (adapter := foreign_in(call)) is not None:
            for case in (self.case, *self.case.calls):
                require_asked(adapter, case)

    def _way(self) -> Callable[[Callable[..., Any]], None]:
        """Return what examines one function on the case."""
        case = self.case
        if case.grows is not None:
            return self._growth
        if case.calls:
            parts = self.implementation, case, self.findings, self.device, self.memory, self._caller_for
            return StateExamination(*parts).run
        inputs = Inputs(case, self.device, self.memory)
        if case.chunks:
            return LogitsExamination(inputs, self.caller, self.findings).run
        if case.bad is not None:
            return partial(self._refusal, inputs)
        if case.relation is not None:
            return partial(examine_relation, case.relation, inputs, self.caller, self.findings)
        return partial(self._open_rows if case.rows_are_open else self._right_rows, inputs)

    def _right_rows(self, inputs: Inputs, call: Callable[..., Any]) -> None:
        """Call three times: twice alike, and once with new contents at the same addresses; and on shorter sequences.

        Heavy cases on the interpreter, and results of gigabytes, have the first call of each function, and the last of
        the first function: what the others could show does not depend on size, and every smaller case has them.
        """
        inputs.write(plan(self.case))
        rows = self.case.seq_len_sum
        brief = rows > MANY_ROWS if self.device.type == "cuda" else self.case.heavy
        expected = self._expected(inputs)
        first = self.caller.call(call, inputs, POISONS[0], "first call")
        if not self._returned(first):
            return
        wrong = self._values(first, expected, POISONS[0])
        kept = {} if brief else first.copies()
        self.first_results[self.findings.function] = kept

        if brief and self.findings.function != next(iter(self.functions)):
            return
        second = Outcome() if brief else self.caller.call(call, inputs, POISONS[1], "same call again")
        # Rows that undefined values made wrong are one finding, and it has been made.
        judged = Seen.UNDEFINED not in second.seen and self._returned(second) and not wrong
        if judged and not self._values(second, expected, POISONS[1], again=True):
            self._same_bytes(first, second)

        if brief:
            self.caller.forget()
        inputs.write(plan(self.case, variation=1))
        renewed = self._expected(inputs)
        third = self.caller.call(call, inputs, POISONS[0], "new contents at the same addresses")
        if self._returned(third) and not wrong:
            self._values(third, renewed, POISONS[0], earlier=expected)
        if rows <= FEW_ROWS and not brief:
            self._shorter(call, inputs, is_judged=not wrong)
        self._unchanged(kept, first.results)
        if self.device.type == "cuda" and self.contract.holds(Rule.NO_WAITING) and rows and not (wrong or brief):
            self._replay(call, inputs)
            self._side_stream(call, inputs)

    def _expected(self, inputs: Inputs) -> Expectation:
        """Return the rows that are right for what the arguments hold at the moment."""
        return Expectation(self.case, inputs.plan, self.device)

    def _unchanged(self, kept: dict[str, torch.Tensor], results: dict[str, torch.Tensor]) -> None:
        """Look at what later calls made of the first one's results; that these lie in its memory has been told."""
        fetch = Fetch()
        looks = {part: fetch.differs(results[part], held) for part, held in kept.items()}
        for part, is_other in looks.items():
            if is_other() and not self.findings.has(Seen.RESULT, EARLIER_RESULT):
                self.findings.add(
                    Seen.RESULT_CHANGED, f"a later call changed the {part} that the first call had returned"
                )

    def _shorter(self, call: Callable[..., Any], inputs: Inputs, is_judged: bool) -> None:
        """Call with half the rows, which memory kept from an earlier call has room for."""
        arguments = inputs.shorten(plan(self.case, variation=1, shorter=True))
        outcome = self.caller.call(call, inputs, POISONS[0], "call on shorter sequences", arguments)
        if self._returned(outcome) and is_judged:
            self._values(outcome, self._expected(inputs), POISONS[0])

    def _replay(self, call: Callable[..., Any], inputs: Inputs) -> None:
        """Capture a call in a CUDA graph, and replay it on shorter sequences of other contents."""
        inputs.write(plan(self.case))
        self.caller.at("capture in a CUDA graph")
        captured, raised = attempt(capture, call, inputs.arguments)
        if raised is not None and isinstance(raised.error, NotPrepared):
            return
        if raised is not None:
            self.caller.check_device("capture in a CUDA graph")
            self.findings.raised(raised, Seen.NOT_CAPTURED, "could not be captured in a CUDA graph: {}")
            return
        graph, returned = captured
        results = self.caller.results(returned, inputs.arguments)
        inputs.write(plan(self.case, variation=2, shorter=True))
        with torch.inference_mode():  # else results that were made in that mode cannot be written to
            for result in results.values():
                result.fill_(POISONS[0])
        self.caller.at("replay of a CUDA graph")
        graph.replay()
        self.caller.check_device("replay of a CUDA graph")
        expected = self._expected(inputs)
        fetch = Fetch()
        surroundings = self.caller.surroundings(inputs, fetch)
        for part, rows in fetched(results, fetch)().items():
            wrong = expected.wrong_rows(part, rows[: len(inputs.plan.row_slots)], POISONS[0])
            if wrong is not None:
                self.findings.add(Seen.WRONG_REPLAY, f"replayed in a CUDA graph on shorter sequences, {wrong}")
        surroundings()

    def _side_stream(self, call: Callable[..., Any], inputs: Inputs) -> None:
        """Call on a stream on which the pool is still to be written."""
        inputs.write(plan(self.case))
        earlier = self._expected(inputs)
        self.caller.at("call on a side stream")
        returned, raised = attempt(rewritten_on_side_stream, call, inputs)
        self.caller.check_device("call on a side stream")
        if raised is not None:
            self.findings.raised(raised, Seen.WRONG_STREAM, "on a side stream it {}")
            return
        expected = self._expected(inputs)
        for part, rows in fetched(self.caller.results(returned, inputs.arguments), Fetch())().items():
            wrong = expected.wrong_rows(part, rows, POISONS[0], earlier)
            if wrong is not None:
                self.findings.add(Seen.WRONG_STREAM, f"on a side stream whose earlier work writes the pool, {wrong}")

    def _growth(self, call: Callable[..., Any]) -> None:
        self.caller.at("requests that grow")
        _, raised = attempt(examine_growth, call, self.case, self.device, self.findings)
        if raised is not None:
            self.caller.check_device("requests that grow")
            self.findings.raised(raised, message="a request that grew {}")

    def _open_rows(self, inputs: Inputs, call: Callable[..., Any]) -> None:
        """Call twice; whatever the rows hold is right if no memory but the results was touched."""
        for poison in POISONS:
            self._returned(self.caller.call(call, inputs, poison, "call"))

    def _refusal(self, inputs: Inputs, call: Callable[..., Any]) -> None:
        bad = self.case.bad
        assert bad is not None
        outcome = self.caller.call(call, inputs, POISONS[0], "call to be refused", bad.change(inputs.arguments))
        wanted = f"a ValueError or TypeError that names {' or '.join(bad.names)}"
        raised = outcome.raised
        if raised is not None and not self._takes_good_arguments(call, inputs):
            raise ProvesNothing(PROVES_NOTHING)
        if raised is None:
            self._not_refused("accepted", f"the call was accepted, should have raised {wanted}")
        elif not isinstance(raised.error, (ValueError, TypeError)):
            self._not_refused(type(raised.error).__name__, f"{raised}, should have raised {wanted}")
            raised.show()
        elif not any(re.search(rf"\b{name}\b", str(raised.error)) for name in self._names_of(call, bad.names)):
            self._not_refused("by name", f"{raised}, which names no argument: should have been {wanted}")
        elif launched := [*outcome.launches, *outcome.watched.operations]:
            self._not_refused("before a launch", f"launched {launched[0]} before it {raised}")

    def _names_of(self, call: Callable[..., Any], arguments: Sequence[str]) -> list[str]:
        """Return the names of arguments, and what a gather of another signature calls them."""
        adapter = foreign_in(call)
        return [*arguments, *(name for of in arguments if adapter for name in adapter.parameters_for(of))]

    def _takes_good_arguments(self, call: Callable[..., Any], inputs: Inputs) -> bool:
        known, function = self.implementation.takes_good_arguments, self.findings.function
        if function not in known:
            # What is wrong with such a call is found where it is examined.
            aside = self._caller_for(self.case, Findings(self.case, self.contract, function))
            known[function] = aside.call(call, inputs, POISONS[0], "call with good arguments").raised is None
        return known[function]

    def _not_refused(self, how: str, message: str) -> None:
        self.findings.add(Seen.NOT_REFUSED, message, how)

    def _returned(self, outcome: Outcome) -> bool:
        return returned(outcome, self.case, self.findings)

    def _values(self, outcome: Outcome, expected: Expectation, poison: int, **how: Any) -> bool:
        return compare(outcome, expected, poison, self.findings, **how)

    def _same_bytes(self, first: Outcome, second: Outcome) -> None:
        for part, rows in second.rows.items():
            if not same(rows, first.rows[part]):
                self.findings.add(Seen.OTHER_ROW_AGAIN, f"the same call gave another {part} than the first time")

    def _same_from_each_function(self) -> None:
        both = self.first_results.get("get_k_and_s", {})
        for name, part in (("get_k", "K"), ("get_s", "S")):
            alone = self.first_results.get(name, {})
            if part in both and part in alone and not same(both[part], alone[part]):
                self.findings.function = name
                self.findings.add(Seen.OTHER_ROW_ALONE, f"{name} returned another {part} than get_k_and_s")
