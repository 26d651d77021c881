"""The one function that examines an implementation on a case. Everything that looks for bugs calls it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from tests.cases.case import Case
from tests.cases.plan import plan
from tests.examine.comparison import Expectation, WrongRows
from tests.examine.contract import Contract
from tests.examine.finding import Finding
from tests.examine.implementations import Implementation
from tests.examine.inputs import Arguments, Call, Inputs
from tests.examine.results import overlap, results_of
from tests.examine.streams import capture, rewritten_on_side_stream
from tests.instruments.memory import Memory, RedZonedMemory
from tests.instruments.poison import Watched, counted_launches, poisoned_allocations

POISONS = (0xC3, 0x3C)
"""What unwritten memory holds in the first and in the second call, so that no byte can be right by accident."""

MANY_ROWS = 1 << 22
"""Rows of a result that is compared in seconds, not in milliseconds."""

OnStep = Callable[[str, str], None]
"""Told the function and the step before each call, so that a crash can be blamed on it."""


class Observation(Protocol):
    """What an instrument saw during one call."""

    def findings(self) -> list[tuple[int, str, dict[str, Any]]]:
        """Return rule, message and details of each thing that was wrong."""


class Instrument(Protocol):
    """Something that a call runs under."""

    def watch(self, call: Call, adverse: bool) -> AbstractContextManager[Observation]:
        """Return a context that observes what happens inside it.

        In an adverse call, what is undefined should hold something else than in an ordinary one.
        """


class DeviceLost(Exception):
    """The GPU reported an error that no later call in this process survives."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(str(findings[-1]))
        self.findings = findings


@dataclass
class _Outcome:
    """What one call gave back: results by part (`K`, `S`), or an error."""

    results: dict[str, torch.Tensor] = field(default_factory=dict)
    error: Exception | SystemExit | None = None
    watched: Watched = field(default_factory=Watched)
    launches: list[str] = field(default_factory=list)
    rules_broken: set[int] = field(default_factory=set)
    """What the instruments saw."""


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
        self.instruments = instruments
        self.memory = memory
        self.on_step = on_step
        self.findings: list[Finding] = []
        self.function = ""

    def run(self) -> list[Finding]:
        case = self.case
        inputs = Inputs(case, self.device, self.memory)
        first_results: dict[str, dict[str, torch.Tensor]] = {}
        for function, call in self.implementation.functions.items():
            self.function = function
            if case.bad is not None:
                self._refusal(call, inputs)
            elif case.rows_are_open:
                self._open_rows(call, inputs)
            else:
                inputs.write(plan(case))
                first_results[self.function] = self._right_rows(call, inputs)
        self._same_from_each_function(first_results)
        return self.findings

    def _right_rows(self, call: Callable[..., Any], inputs: Inputs) -> dict[str, torch.Tensor]:
        """Call three times: twice alike, and once with new contents at the same addresses.

        Heavy cases on the interpreter, and results of gigabytes, have the first call of each function, and the last of
        the first function: what the others could show does not depend on size, and every smaller case has them.
        """
        rows = self.case.seq_len_sum
        brief = rows > MANY_ROWS if self.device.type == "cuda" else self.case.heavy
        expected = Expectation(self.case, inputs.plan, self.device, inputs.rows)
        first = self._call(call, inputs, POISONS[0], "first call")
        if not self._returned(first):
            return {}
        wrong = self._values(first, expected, POISONS[0])
        kept = {} if brief else {part: result.clone() for part, result in first.results.items()}

        if brief and self.function != next(iter(self.implementation.functions)):
            return kept
        second = _Outcome() if brief else self._call(call, inputs, POISONS[1], "same call again")
        # Rows that undefined values made wrong are one finding, and it has been made.
        if 15 not in second.rules_broken and self._returned(second):
            self._fresh(first, second)
            if not wrong and not self._values(second, expected, POISONS[1], again=True):
                self._same_bytes(first, second)

        inputs.write(plan(self.case, variation=1))
        renewed = Expectation(self.case, inputs.plan, self.device, inputs.rows)
        third = self._call(call, inputs, POISONS[0], "new contents at the same addresses")
        if self._returned(third) and not wrong:
            self._values(third, renewed, POISONS[0], earlier=expected)
        for part, result in kept.items():
            if not torch.equal(result, first.results[part]):
                self._find(6, f"a later call changed the {part} that the first call had returned")
        if self.device.type == "cuda" and self.contract.holds(17) and rows and not (wrong or brief):
            self._replay(call, inputs)
            self._side_stream(call, inputs)
        return kept

    def _replay(self, call: Callable[..., Any], inputs: Inputs) -> None:
        """Capture a call in a CUDA graph, and replay it on shorter sequences of other contents."""
        inputs.write(plan(self.case))
        self.on_step(self.function, "capture in a CUDA graph")
        try:
            graph, returned = capture(call, inputs.arguments)
        except Exception as error:
            self._check_device("capture in a CUDA graph")
            self._find(17, f"could not be captured in a CUDA graph: {_short(error)}")
            return
        results = self._results(returned, inputs.arguments)
        inputs.write(plan(self.case, variation=2, shorter=True))
        for result in results.values():
            result.fill_(POISONS[0])
        self.on_step(self.function, "replay of a CUDA graph")
        graph.replay()
        self._check_device("replay of a CUDA graph")
        expected = Expectation(self.case, inputs.plan, self.device, inputs.rows)
        for part, result in results.items():
            wrong = expected.wrong_rows(part, result[: len(inputs.plan.row_slots)], POISONS[0])
            if wrong is not None:
                self._find(17, f"replayed in a CUDA graph on shorter sequences, {wrong}")
        self._surroundings(inputs)

    def _side_stream(self, call: Callable[..., Any], inputs: Inputs) -> None:
        """Call on a stream on which the pool is still to be written."""
        inputs.write(plan(self.case))
        earlier = Expectation(self.case, inputs.plan, self.device, inputs.rows)
        self.on_step(self.function, "call on a side stream")
        returned = rewritten_on_side_stream(call, inputs)
        self._check_device("call on a side stream")
        expected = Expectation(self.case, inputs.plan, self.device, inputs.rows)
        for part, result in self._results(returned, inputs.arguments).items():
            wrong = expected.wrong_rows(part, result, POISONS[0], earlier)
            if wrong is not None:
                self._find(17, f"on a side stream whose earlier work writes the pool, {wrong}")

    def _open_rows(self, call: Callable[..., Any], inputs: Inputs) -> None:
        """Call twice; whatever comes back, an error too, is right if no memory but the results was touched."""
        for poison in POISONS:
            self._call(call, inputs, poison, "call")

    def _refusal(self, call: Callable[..., Any], inputs: Inputs) -> None:
        bad = self.case.bad
        assert bad is not None
        outcome = self._call(call, inputs, POISONS[0], "call to be refused", bad.change(inputs.arguments))
        wanted = f"a ValueError or TypeError that names {' or '.join(bad.names)}"
        error = outcome.error
        if error is None:
            self._find(14, f"the call was accepted, should have raised {wanted}")
        elif not isinstance(error, (ValueError, TypeError)):
            self._find(14, f"raised {_short(error)}, should have raised {wanted}")
        elif not any(name in str(error) for name in bad.names):
            self._find(14, f"raised {_short(error)}, which names no argument: should have been {wanted}")
        elif outcome.launches:
            self._find(14, f"launched {outcome.launches[0]} before it raised {_short(error)}")

    def _call(
        self,
        call: Callable[..., Any],
        inputs: Inputs,
        poison: int,
        step: str,
        arguments: Arguments | None = None,
    ) -> _Outcome:
        self.on_step(self.function, step)
        arguments = arguments or inputs.arguments
        outcome = _Outcome()
        is_open = self.case.rows_are_open or self.case.bad is not None
        needed_rows = None if is_open else int((inputs.plan.row_slots >= 0).sum())
        about = Call(self.function, arguments, self.case, needed_rows)
        # Rule 15 is not everyone's promise: those who do not make it rely on what the hardware happens to do.
        adverse = poison == POISONS[1] and self.contract.holds(15)
        with ExitStack() as stack:
            observations = [stack.enter_context(i.watch(about, adverse)) for i in self.instruments]
            stack.enter_context(counted_launches(outcome.launches))
            outcome.watched = stack.enter_context(poisoned_allocations(poison, self.memory))
            try:
                returned = call(*arguments)
            # Whatever is raised is the implementation's, and is judged.
            except (Exception, SystemExit) as error:
                outcome.error = error
        self._check_device(step)
        self.on_step(self.function, f"judging the {step}")
        # A call that should have been refused has one fault; what follows from it is none of its own.
        for observation in observations if self.case.bad is None else ():
            for rule, message, details in observation.findings():
                outcome.rules_broken.add(rule)
                if not self._is_known(rule, details):
                    self._find(rule, message, **details)
        self._surroundings(inputs)
        if outcome.error is None:
            outcome.results = self._results(returned, arguments)
            self._machine(outcome)
        return outcome

    def _check_device(self, step: str) -> None:
        if self.device.type != "cuda":
            return
        try:
            torch.cuda.synchronize(self.device)
        except Exception as error:
            message = f"the GPU reported {_short(error)} ({step}; each tensor {self.memory.surroundings})"
            self._find(self.case.rule_of_wild_access, message, device_lost=True)
            raise DeviceLost(self.findings) from error

    def _returned(self, outcome: _Outcome) -> bool:
        """Whether there are results to look at; an error is judged here."""
        error = outcome.error
        if error is None:
            return bool(outcome.results)
        if not (isinstance(error, ValueError) and self.case.may_be_refused):
            self._find(self.case.rules[0], f"raised {_short(error)}")
        return False

    def _results(self, returned: Any, arguments: Arguments) -> dict[str, torch.Tensor]:
        if self.case.bad is not None:
            return {}
        results, faults = results_of(self.function, returned, arguments)
        for fault in faults:
            self._find(6, fault)
        return results

    def _values(
        self,
        outcome: _Outcome,
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
                self._find(
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

    def _fresh(self, first: _Outcome, second: _Outcome) -> None:
        for part, result in second.results.items():
            for earlier_part, earlier in first.results.items():
                if overlap(result, earlier):
                    self._find(6, f"{part} lies in the memory of the {earlier_part} that an earlier call returned")

    def _same_bytes(self, first: _Outcome, second: _Outcome) -> None:
        for part, result in second.results.items():
            if not torch.equal(result, first.results[part]):
                self._find(8, f"the same call gave another {part} than the first time")

    def _surroundings(self, inputs: Inputs) -> None:
        rule = self.case.rule_of_wild_access if self.case.rows_are_open else 7
        for sentence in self.memory.damage():
            self._find(rule, sentence)
        for name in inputs.changed():
            self._find(7, f"{name} was written to")
            inputs.write(inputs.plan)

    def _machine(self, outcome: _Outcome) -> None:
        rows = self.case.seq_len_sum
        done = [*outcome.launches, *outcome.watched.operations]
        allowed = 0 if rows == 0 else 1
        if len(done) > allowed:
            self._find(16, f"{len(done)} launches, should be {allowed}: {', '.join(done[:12])}", launches=len(done))
        if outcome.watched.waits:
            self._find(17, f"waited for the device: {', '.join(sorted(set(outcome.watched.waits)))}")

    def _same_from_each_function(self, results: dict[str, dict[str, torch.Tensor]]) -> None:
        both = results.get("get_k_and_s", {})
        for name, part in (("get_k", "K"), ("get_s", "S")):
            alone = results.get(name, {})
            if part in both and part in alone and not torch.equal(both[part], alone[part]):
                self.function = name
                self._find(2, f"{name} returned another {part} than get_k_and_s")

    def _is_known(self, rule: int, details: dict[str, Any]) -> bool:
        """Whether another call of the same function has shown the same at the same line."""
        if "line" not in details:
            return False
        place = {"kind": details["kind"], "line": details["line"]}
        return any(
            finding.rule == rule
            and finding.function == self.function
            and place.items() <= dict(finding.details).items()
            for finding in self.findings
        )

    def _find(self, rule: int, message: str, **details: Any) -> None:
        finding = Finding(rule, self.case.id, self.function, message, details)
        if self.contract.holds(rule) and finding not in self.findings:
            self.findings.append(finding)


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else '(no text)'}"
