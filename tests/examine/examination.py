"""The one function that examines an implementation on a case. Everything that looks for bugs calls it."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import torch

from tests.calls.errors import Foreseen, short
from tests.calls.implementations import Implementation
from tests.calls.inputs import Inputs
from tests.calls.memory import Memory
from tests.cases.case import Case
from tests.cases.plan import plan
from tests.contract import Contract
from tests.examine.call import POISONS, Caller, Instrument, OnStep, Outcome
from tests.examine.comparison import Expectation, WrongRows
from tests.examine.finding import Finding, Findings
from tests.examine.growth import examine_growth
from tests.examine.streams import capture, rewritten_on_side_stream
from tests.instruments.red_zones import RedZonedMemory

MANY_ROWS = 1 << 22
"""Rows of a result that is compared in seconds, not in milliseconds."""
FEW_ROWS = 2_000
"""Rows of a result that costs little even on the interpreter."""


def examine(
    implementation: Implementation,
    case: Case,
    *,
    contract: Contract = Contract.STRICT,
    device: torch.device,
    instruments: Sequence[Instrument] = (),
    memory: Callable[[], Memory] = RedZonedMemory,
    on_step: OnStep = lambda function, step: None,
) -> list[Finding]:
    """Examine an implementation on one case, under the given instruments.

    Args:
        implementation: the functions to call.
        case: the case; its rules decide what is expected.
        contract: the level of promise; findings of higher rules are left out.
        device: where arguments and results live.
        instruments: what each call runs under.
        memory: makes the memory that arguments and results live in.
        on_step: told before each call.

    Returns:
        The findings, none if every promise was kept.

    Raises:
        DeviceLost: the GPU's context is gone, and with it this process's use of the GPU.
    """
    lent = memory()
    findings = _Examination(implementation, case, contract, device, instruments, lent, on_step).run()
    lent.close()
    return findings


class _Examination:
    def __init__(
        self,
        implementation: Implementation,
        case: Case,
        contract: Contract,
        device: torch.device,
        instruments: Sequence[Instrument],
        memory: Memory,
        on_step: OnStep,
    ) -> None:
        self.implementation = implementation
        self.case = case
        self.contract = contract
        self.device = device
        self.memory = memory
        self.findings = Findings(case.id, contract)
        self.caller = Caller(case, contract, device, instruments, memory, on_step, self.findings)

    def run(self) -> list[Finding]:
        case = self.case
        if case.grows is not None:
            for function, call in self.implementation.functions.items():
                self._growth(function, call)
            return self.findings.all
        inputs = Inputs(case, self.device, self.memory)
        first_results: dict[str, dict[str, torch.Tensor]] = {}
        for function, call in self.implementation.functions.items():
            self.findings.function = function
            if case.bad is not None:
                self._refusal(call, inputs)
            elif case.rows_are_open:
                self._open_rows(call, inputs)
            else:
                inputs.write(plan(case))
                first_results[self.findings.function] = self._right_rows(call, inputs)
        self._same_from_each_function(first_results)
        # Needless traffic is often the consequence of another fault: it is told last.
        return sorted(self.findings.all, key=lambda finding: finding.rule == 19)

    def _right_rows(self, call: Callable[..., Any], inputs: Inputs) -> dict[str, torch.Tensor]:
        """Call three times: twice alike, and once with new contents at the same addresses; and on shorter sequences.

        Heavy cases on the interpreter, and results of gigabytes, have the first call of each function, and the last of
        the first function: what the others could show does not depend on size, and every smaller case has them.
        """
        rows = self.case.seq_len_sum
        brief = rows > MANY_ROWS if self.device.type == "cuda" else self.case.heavy
        expected = Expectation(self.case, inputs.plan, self.device, inputs.rows)
        first = self.caller.call(call, inputs, POISONS[0], "first call")
        if not self._returned(first):
            return {}
        wrong = self._values(first, expected, POISONS[0])
        kept = {} if brief else {part: result.clone() for part, result in first.results.items()}

        if brief and self.findings.function != next(iter(self.implementation.functions)):
            return kept
        second = Outcome() if brief else self.caller.call(call, inputs, POISONS[1], "same call again")
        # Rows that undefined values made wrong are one finding, and it has been made.
        judged = 15 not in second.rules_broken and self._returned(second) and not wrong
        if judged and not self._values(second, expected, POISONS[1], again=True):
            self._same_bytes(first, second)

        if brief:
            self.caller.forget()
        inputs.write(plan(self.case, variation=1))
        renewed = Expectation(self.case, inputs.plan, self.device, inputs.rows)
        third = self.caller.call(call, inputs, POISONS[0], "new contents at the same addresses")
        if self._returned(third) and not wrong:
            self._values(third, renewed, POISONS[0], earlier=expected)
        if rows <= FEW_ROWS and not brief:
            self._shorter(call, inputs, is_judged=not wrong)
        for part, result in kept.items():
            if not torch.equal(result, first.results[part]):
                self.findings.add(6, f"a later call changed the {part} that the first call had returned")
        if self.device.type == "cuda" and self.contract.holds(17) and rows and not (wrong or brief):
            self._replay(call, inputs)
            self._side_stream(call, inputs)
        return kept

    def _shorter(self, call: Callable[..., Any], inputs: Inputs, is_judged: bool) -> None:
        """Call with half the rows, which memory kept from an earlier call has room for."""
        arguments = inputs.shorten(plan(self.case, variation=1, shorter=True))
        outcome = self.caller.call(call, inputs, POISONS[0], "call on shorter sequences", arguments)
        if self._returned(outcome) and is_judged:
            self._values(outcome, Expectation(self.case, inputs.plan, self.device, inputs.rows), POISONS[0])

    def _replay(self, call: Callable[..., Any], inputs: Inputs) -> None:
        """Capture a call in a CUDA graph, and replay it on shorter sequences of other contents."""
        inputs.write(plan(self.case))
        self.caller.at("capture in a CUDA graph")
        try:
            graph, returned = capture(call, inputs.arguments)
        except Exception as error:
            self.caller.check_device("capture in a CUDA graph")
            self.findings.add(17, f"could not be captured in a CUDA graph: {short(error)}")
            return
        results = self.caller.results(returned, inputs.arguments)
        inputs.write(plan(self.case, variation=2, shorter=True))
        for result in results.values():
            result.fill_(POISONS[0])
        self.caller.at("replay of a CUDA graph")
        graph.replay()
        self.caller.check_device("replay of a CUDA graph")
        expected = Expectation(self.case, inputs.plan, self.device, inputs.rows)
        for part, result in results.items():
            wrong = expected.wrong_rows(part, result[: len(inputs.plan.row_slots)], POISONS[0])
            if wrong is not None:
                self.findings.add(17, f"replayed in a CUDA graph on shorter sequences, {wrong}")
        self.caller.surroundings(inputs)

    def _side_stream(self, call: Callable[..., Any], inputs: Inputs) -> None:
        """Call on a stream on which the pool is still to be written."""
        inputs.write(plan(self.case))
        earlier = Expectation(self.case, inputs.plan, self.device, inputs.rows)
        self.caller.at("call on a side stream")
        returned = rewritten_on_side_stream(call, inputs)
        self.caller.check_device("call on a side stream")
        expected = Expectation(self.case, inputs.plan, self.device, inputs.rows)
        for part, result in self.caller.results(returned, inputs.arguments).items():
            wrong = expected.wrong_rows(part, result, POISONS[0], earlier)
            if wrong is not None:
                self.findings.add(17, f"on a side stream whose earlier work writes the pool, {wrong}")

    def _growth(self, function: str, call: Callable[..., Any]) -> None:
        self.findings.function = function
        self.caller.at("requests that grow")
        try:
            examine_growth(call, self.case, self.device, self.findings)
        except Foreseen:
            raise
        except Exception as error:
            self.caller.check_device("requests that grow")
            self.findings.add(self.case.rules[0], f"a request that grew raised {short(error)}")

    def _open_rows(self, call: Callable[..., Any], inputs: Inputs) -> None:
        """Call twice; whatever comes back, an error too, is right if no memory but the results was touched."""
        for poison in POISONS:
            self.caller.call(call, inputs, poison, "call")

    def _refusal(self, call: Callable[..., Any], inputs: Inputs) -> None:
        bad = self.case.bad
        assert bad is not None
        outcome = self.caller.call(call, inputs, POISONS[0], "call to be refused", bad.change(inputs.arguments))
        wanted = f"a ValueError or TypeError that names {' or '.join(bad.names)}"
        error = outcome.error
        if error is None:
            self.findings.add(14, f"the call was accepted, should have raised {wanted}")
        elif not isinstance(error, (ValueError, TypeError)):
            self.findings.add(14, f"raised {short(error)}, should have raised {wanted}")
        elif not any(re.search(rf"\b{name}\b", str(error)) for name in bad.names):
            self.findings.add(14, f"raised {short(error)}, which names no argument: should have been {wanted}")
        elif launched := [*outcome.launches, *outcome.watched.operations]:
            self.findings.add(14, f"launched {launched[0]} before it raised {short(error)}")

    def _returned(self, outcome: Outcome) -> bool:
        """Whether there are results to look at; an error is judged here."""
        error = outcome.error
        if error is None:
            return bool(outcome.results)
        if not (isinstance(error, ValueError) and self.case.may_be_refused):
            # An index error is a wild access that was prevented.
            rule = self.case.rule_of_wild_access if isinstance(error, IndexError) else self.case.rules[0]
            self.findings.add(rule, f"raised {short(error)}")
        return False

    def _values(
        self,
        outcome: Outcome,
        expected: Expectation,
        poison: int,
        *,
        again: bool = False,
        earlier: Expectation | None = None,
    ) -> bool:
        """Compare the results with what they should be; return whether any row is wrong."""
        any_wrong = False
        for part, result in outcome.results.items():
            wrong = expected.wrong_rows(part, result, poison, earlier)
            if wrong is not None:
                any_wrong = True
                prefix = "the same call again differs: " if again else "with new contents, " if earlier else ""
                self.findings.add(
                    self._value_rule(wrong, again),
                    prefix + str(wrong),
                    wrong_rows=wrong.count,
                    of=wrong.total,
                )
        return any_wrong

    def _value_rule(self, wrong: WrongRows, again: bool) -> int:
        if again:
            return 8
        if wrong.earlier_contents:
            return 7
        # Rule 11 is about rows of invalid pages; if others are wrong, it is for another reason.
        other = next((rule for rule in self.case.rules if rule != 11), 1)
        return 11 if wrong.should_be_zero else other

    def _same_bytes(self, first: Outcome, second: Outcome) -> None:
        for part, result in second.results.items():
            if not torch.equal(result, first.results[part]):
                self.findings.add(8, f"the same call gave another {part} than the first time")

    def _same_from_each_function(self, results: dict[str, dict[str, torch.Tensor]]) -> None:
        both = results.get("get_k_and_s", {})
        for name, part in (("get_k", "K"), ("get_s", "S")):
            alone = results.get(name, {})
            if part in both and part in alone and not torch.equal(both[part], alone[part]):
                self.findings.function = name
                self.findings.add(2, f"{name} returned another {part} than get_k_and_s")
