"""One call of a gather: poisoned memory, instruments around it, and a look at all that the call may not have done."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from kernels.peers.foreign import NotPrepared, foreign_in, preparations_aside
from tests.calls.attempt import Raised, attempt
from tests.calls.errors import lacks_memory, short
from tests.calls.fetching import Fetch
from tests.calls.inputs import Arguments, Call, Inputs
from tests.calls.memory import Memory
from tests.cases.case import Case
from tests.contract import Contract, Rule
from tests.examine.asked import NotAsked
from tests.examine.blame import Seen
from tests.examine.finding import Fault, Finding, Findings
from tests.examine.results import extent, fetched, results_of, shared
from tests.instruments.poison import Watched, counted_launches, poisoned_allocations

POISONS = (0xC3, 0x3C)
"""What unwritten memory holds in the first and in the second call, so that no byte can be right by accident."""

EARLIER_RESULT = "memory of an earlier result"

OnStep = Callable[[str, str], None]
"""Told the function and the step before each call, so that a crash can be blamed on it."""


class Observation(Protocol):
    """What an instrument saw during one call."""

    def faults(self) -> list[Fault]:
        """Return each thing that was wrong."""


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
class Outcome:
    """What one call gave back: results by part (`K`, `S`), or an error."""

    results: dict[str, torch.Tensor] = field(default_factory=dict)
    rows: dict[str, torch.Tensor] = field(default_factory=dict)
    """What the results held right after the call: on the host if that is little, else the results themselves."""
    raised: Raised | None = None
    watched: Watched = field(default_factory=Watched)
    launches: list[str] = field(default_factory=list)
    seen: set[Seen] = field(default_factory=set)
    """What the instruments saw."""

    def copies(self) -> dict[str, torch.Tensor]:
        """Return copies of the rows, which no later call can change."""
        return {part: rows.clone() if rows is self.results[part] else rows for part, rows in self.rows.items()}


class Caller:
    """Calls the functions of an implementation on one case, and notes what each call did wrong beside its rows."""

    def __init__(
        self,
        case: Case,
        contract: Contract,
        device: torch.device,
        instruments: Sequence[Instrument],
        memory: Memory,
        on_step: OnStep,
        findings: Findings,
    ) -> None:
        self._case = case
        self._contract = contract
        self._device = device
        self._instruments = instruments
        self._memory = memory
        self._on_step = on_step
        self._findings = findings
        self._held: list[tuple[torch.Tensor, tuple[int, int]]] = []
        """Results of earlier calls, with their extents."""

    def at(self, step: str) -> None:
        """Tell what comes next, so that a crash can be blamed on it."""
        self._on_step(self._findings.function, step)

    def call(
        self,
        function: Callable[..., Any],
        inputs: Inputs,
        poison: int,
        step: str,
        arguments: Arguments | None = None,
    ) -> Outcome:
        """Call `function` once; memory that nobody has written holds `poison`.

        Args:
            function: one of the implementation's.
            inputs: the case's arguments.
            poison: one of `POISONS`; the second makes the call an adverse one.
            step: what this call is for, in words.
            arguments: instead of those of `inputs`.

        Raises:
            DeviceLost: the GPU's context is gone.
            NotAsked: what adapts it to another signature could not make its arguments.
        """
        self.at(step)
        arguments = arguments or inputs.arguments
        outcome = Outcome()
        case = self._case
        is_open = case.rows_are_open or case.bad is not None or case.relation is not None
        needed_rows = None if is_open else inputs.plan.needed_rows
        about = Call(self._findings.function, arguments, self._case, needed_rows)
        # Rule 15 is not everyone's promise: those who do not make it rely on what the hardware happens to do.
        adverse = poison == POISONS[1] and self._contract.holds(Rule.UNDEFINED)
        with ExitStack() as stack:
            observations = [stack.enter_context(i.watch(about, adverse)) for i in self._instruments]
            stack.enter_context(counted_launches(outcome.launches))
            outcome.watched = stack.enter_context(poisoned_allocations(poison, self._memory))
            stack.enter_context(preparations_aside(outcome.watched.aside))
            returned, outcome.raised = attempt(function, *arguments)
        self.check_device(step)
        require_prepared(outcome.raised)
        self.at(f"judging the {step}")
        # A call that should have been refused has one fault; what follows from it is none of its own.
        for observation in observations if self._case.bad is None else ():
            for seen, message, where, details in observation.faults():
                outcome.seen.add(seen)
                self._findings.add(seen, message, where, **details)
        results, note = self._look(returned, arguments) if outcome.raised is None else ({}, lambda: None)
        fetch = Fetch()
        surroundings, rows = self.surroundings(inputs, fetch), fetched(results, fetch)
        surroundings()
        note()
        if outcome.raised is None:
            outcome.results, outcome.rows = results, rows()
            adapter = foreign_in(function)
            calls = len(inputs.plan.seq_lens) if adapter and adapter.one_sequence else 1
            self._machine(outcome, calls if arguments.seq_len_sum else 0)
        return outcome

    def check_device(self, step: str) -> None:
        """Wait for the GPU; raise `DeviceLost` if it reports an error, which is a finding unless it lacks memory."""
        if self._device.type != "cuda":
            return
        try:
            torch.cuda.synchronize(self._device)
        except Exception as error:
            if lacks_memory(error):
                raise
            message = f"the GPU reported {short(error)} ({step}; each tensor {self._memory.surroundings})"
            self._findings.add(Seen.DEVICE_LOST, message, device_lost=True)
            raise DeviceLost(self._findings.all) from error

    def results(self, returned: Any, arguments: Arguments) -> dict[str, torch.Tensor]:
        """Return what a call returned by part, after a look at its structure."""
        results, note = self._look(returned, arguments)
        note()
        return results

    def _look(self, returned: Any, arguments: Arguments) -> tuple[dict[str, torch.Tensor], Callable[[], None]]:
        """Return what a call returned by part, and what notes the faults of its structure."""
        if self._case.bad is not None:
            return {}, lambda: None
        told, raised = attempt(results_of, self._findings.function, returned, arguments)
        if raised is not None:
            return {}, lambda: self._findings.raised(raised, Seen.RESULT, "what was returned {} when it was looked at")
        results, faults = told
        extents = {part: extent(result) for part, result in results.items()}
        for part, of in extents.items():
            if any(shared(of, earlier) for _, earlier in self._held):
                sentence = f"{part} lies in the memory of a result that an earlier call returned"
                faults.setdefault(EARLIER_RESULT, sentence)
        # Held, so that memory which is given out again is one that the implementation kept, not one that it gave back.
        self._held += [(result, extents[part]) for part, result in results.items()]

        def note() -> None:
            for what, sentence in faults.items():
                self._findings.add(Seen.RESULT, sentence, what)

        return results, note

    def forget(self) -> None:
        """Let go of the results of earlier calls."""
        self._held.clear()

    def surroundings(self, inputs: Inputs, fetch: Fetch) -> Callable[[], None]:
        """Ask for writes to arguments and to what lies around them and the results; return what notes them."""
        damage, changed = self._memory.damage(fetch), inputs.changed(fetch)

        def note() -> None:
            for sentence in damage():
                self._findings.add(Seen.WRITE_OUTSIDE, sentence)
            for name in changed():
                self._findings.add(Seen.ARGUMENT_CHANGED, f"{name} was written to", name)
                inputs.write(inputs.plan)

        return note

    def _machine(self, outcome: Outcome, allowed: int) -> None:
        done = [*outcome.launches, *outcome.watched.operations]
        if len(done) > allowed:
            sentence = f"{len(done)} launches, should be {allowed}: {', '.join(done[:12])}"
            self._findings.add(Seen.LAUNCHES, sentence, launches=len(done))
        if outcome.watched.waits:
            self._findings.add(Seen.WAITED, f"waited for the device: {', '.join(sorted(set(outcome.watched.waits)))}")


def require_prepared(raised: Raised | None) -> None:
    """Check that a call came as far as the examined function.

    Raises:
        NotAsked: an adapter refused before that.
    """
    if raised is not None and isinstance(raised.error, NotPrepared):
        raise NotAsked(f"not asked: its adapter could not make the call: {raised.error}") from raised.error
