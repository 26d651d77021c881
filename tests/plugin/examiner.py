"""The examination as a pytest run sees it: options in, failed tests with findings out."""

import gc
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Self

import pytest

from tests.calls.errors import lacks_memory, short
from tests.calls.implementations import Implementation, NoImplementation, load_implementation
from tests.cases.case import Case
from tests.contract import Contract
from tests.examine import replay
from tests.examine.examined import Examined
from tests.examine.finding import Finding
from tests.examine.selection import Selection
from tests.plugin import reporting
from tests.plugin.containment import Trace
from tests.plugin.fresh_process import examine_afresh
from tests.plugin.gpu_memory import LARGE_BYTES, SharedGpu, needed_bytes
from tests.plugin.memories import memories
from tests.plugin.repetition import Repetition

if TYPE_CHECKING:
    from tests.examine.call import Instrument

OBJECTS_TO_A_COLLECTION = 50_000
"""On the interpreter, which makes that many for a few programs, and hardly ever in cycles."""


class Examiner:
    """Examines one implementation, under the instruments that fit the device.

    Args:
        implementation: what is examined.
        selection: the run's; its device is `cpu` or `cuda`.
        trace: of the worker, if this is one.
        start: the words that start the gate, for replay lines.
    """

    def __init__(
        self,
        implementation: Implementation,
        selection: Selection,
        trace: Trace | None = None,
        start: Sequence[str] = ("./ci/gate",),
    ) -> None:
        self.implementation = implementation
        self.selection = selection
        self.contract = selection.contract
        self.device = selection.device
        self._trace = trace
        self._start = start
        self._memories = memories(selection.memory, selection.device)
        self._instruments: list[Instrument] = []
        self._open = ExitStack()
        self._repetition = Repetition(self._examine_afresh)
        self._shared_gpu = _shared_gpu(trace) if trace is not None and self.device == "cuda" else None
        self._earlier: list[str] = []
        """Cases that this process has examined for tests."""

    @classmethod
    def of_run(cls, config: pytest.Config, trace: Trace | None) -> Self:
        """Return the examiner that the command line asks for, or end the run where the implementation cannot be had."""
        selection = config.stash[reporting.SELECTION]
        try:
            implementation = load_implementation(selection.implementation)
        except NoImplementation as error:
            if trace is not None:
                trace.refuse(str(error))
            pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
        return cls(implementation, selection, trace, replay.start_from(config.invocation_params.dir))

    def __enter__(self) -> Self:
        import torch

        # A worker has one core to itself; threads that wait for each other beside those of other workers take many.
        torch.set_num_threads(1)
        if self.device == "cpu":
            from tests.examine.checking import Checked, Compiled
            from tests.instruments.compiles import Compiles

            gc.set_threshold(OBJECTS_TO_A_COLLECTION)
            self._instruments = [Checked(), Compiled(self._open.enter_context(Compiles(self.implementation.name)))]
        return self

    def __exit__(self, *error: object) -> None:
        self._instruments = []
        self._open.close()

    def examine(
        self, case: Case, implementation: Implementation | None = None, contract: Contract | None = None
    ) -> Examined:
        """Examine a case, of the run's implementation and contract unless others are given.

        The case is examined once in each memory of the run; what is found in several is returned once.
        """
        implementation, notes = implementation or self.implementation, dict[str, None]()
        if self.device == "cpu":
            from tests.instruments.absent_gpu import AbsentGpuCalls

            calls = AbsentGpuCalls(case)
            implementation, notes = calls.of(implementation), calls.notes
        once = partial(self._examine_once, case, implementation, contract or self.contract)
        examined = self._shared_gpu.examined(case, once) if self._shared_gpu else once()
        return replace(examined, notes=tuple(notes))

    def _examine_once(self, case: Case, implementation: Implementation, contract: Contract) -> Examined:
        import torch

        from tests.examine.examination import examine

        trace = self._trace
        if trace:
            trace.examine(case, is_heavy=case.heavy and self.device == "cpu")
        examined = Examined(case.id)
        began = time.monotonic()
        for place, memory in enumerate(self._memories):
            found: list[Finding] = []
            try:
                of = examine(
                    implementation,
                    case,
                    contract=contract,
                    device=torch.device(self.device),
                    instruments=self._instruments,
                    memory=memory,
                    on_step=trace.at if trace else lambda function, step: None,
                    on_found=partial(self._note, found, examined.findings),
                )
            except Exception as error:
                if not lacks_memory(error):
                    raise
                # It is the harness's own: what calls raise are findings by now.
                of = Examined(case.id, tuple(found)).without_memory(
                    f"for arguments and what is expected: {short(error)}"
                )
            examined = examined.with_memory(of) if place else of
        if trace and examined.right and examined.is_clean:
            trace.paces.note(case, time.monotonic() - began)
        if self.device == "cuda" and needed_bytes(case) >= LARGE_BYTES:
            torch.cuda.empty_cache()  # others need memory too
        return examined.excused()

    def _note(self, found: list[Finding], earlier: Sequence[Finding], findings: Sequence[Finding]) -> None:
        """Keep what is found by now, here and, so that it outlives the process, in the trace."""
        found[:] = findings
        if self._trace:
            self._trace.found(earlier, findings)

    def expect_no_findings(self, case: Case, item: pytest.Item) -> None:
        """Examine a case; attach what that comes to to the test, and fail it if anything is found or undecided."""
        from tests.examine.call import DeviceLost

        try:
            examined = self.examine(case)
        except DeviceLost as lost:
            if self._trace:
                self._trace.die()
            item.user_properties.append(reporting.carried(Examined(case.id, tuple(lost.findings))))
            pytest.exit(f"the GPU is lost to this process: {lost}; run with -n 1 to go on after it", returncode=1)
        examined = self._repetition.told(examined, self._earlier)
        self._earlier.append(case.id)
        item.user_properties.append(reporting.carried(examined))
        if examined.findings:
            pytest.fail(self._description(examined.findings), pytrace=False)
        if examined.undecided is not None:
            pytest.fail(f"could not decide: {examined.undecided}", pytrace=False)

    def _examine_afresh(self, cases: Sequence[str], seconds: float) -> Examined | None:
        if self._trace:
            self._trace.more_time(seconds)
        if self.device == "cuda":
            import torch

            torch.cuda.empty_cache()  # the other process needs memory too
        return examine_afresh(self.selection, cases, seconds)

    def _description(self, findings: Sequence[Finding]) -> str:
        """Return what a failed test prints: each finding with its rule, and the commands that show them again."""
        lines = [f"{finding}\n    (rule {finding.rule}: {finding.rule.text})" for finding in findings]
        again = dict.fromkeys(replay.of_finding(self._start, self.selection, finding) for finding in findings)
        return "\n".join([*lines, *(f"replay: {line}" for line in again)])


def _shared_gpu(trace: Trace) -> SharedGpu:
    """Return the GPU that a worker shares with the others that leave traces beside its own."""
    gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
    return SharedGpu(trace.path.with_name(f"gpu-{gpu}.lock"), _free_memory, trace.more_time)


def _free_memory() -> tuple[int, int]:
    """Give back what this process keeps of the GPU's memory; return the bytes that are free, and those there are."""
    import torch

    torch.cuda.empty_cache()
    return torch.cuda.mem_get_info()
