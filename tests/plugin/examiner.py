"""The examination as a pytest run sees it: options in, failed tests with findings out."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import pytest

from tests.calls.implementations import Implementation, NoImplementation, load_implementation
from tests.cases.case import Case
from tests.contract import RULES, Contract
from tests.examine.finding import Finding
from tests.plugin import reporting
from tests.plugin.containment import Trace
from tests.plugin.memories import memories

if TYPE_CHECKING:
    from tests.examine.call import Instrument


class Examiner:
    """Examines one implementation, under the instruments that fit the device."""

    def __init__(
        self,
        implementation: Implementation,
        contract: Contract,
        device: str,
        trace: Trace | None = None,
        memory: str = "auto",
    ) -> None:
        self.implementation = implementation
        self.contract = contract
        self.device = device
        self._trace = trace
        self._memories = memories(memory, device)
        self._instruments: list[Instrument] = []
        self._open = ExitStack()
        self.notes: dict[str, None] = {}
        """What the last examination pretended, in sentences."""

    @classmethod
    def from_options(cls, config: pytest.Config, trace: Trace | None) -> Self:
        """Return the examiner that the command line asks for.

        Raises:
            pytest.UsageError: the implementation cannot be had.
        """
        try:
            implementation = load_implementation(config.getoption("--impl"))
        except NoImplementation as error:
            raise pytest.UsageError(str(error)) from error
        contract = Contract[config.getoption("--contract").upper()]
        return cls(implementation, contract, config.stash[reporting.DEVICE], trace, config.getoption("--memory"))

    def __enter__(self) -> Self:
        import torch

        if self.device == "cpu":
            from tests.examine.checking import Checked
            from tests.instruments.compiles import Compiles

            # The interpreter is Python: a worker has one core to itself.
            torch.set_num_threads(1)
            self._instruments = [Checked(), self._open.enter_context(Compiles())]
        return self

    def __exit__(self, *error: object) -> None:
        self._instruments = []
        self._open.close()

    def examine(
        self, case: Case, implementation: Implementation | None = None, contract: Contract | None = None
    ) -> list[Finding]:
        """Return what is found on a case, of the run's implementation and contract unless others are given.

        The case is examined once in each memory of the run; what is found in several is returned once.
        """
        import torch

        from tests.examine.examination import examine

        examined = implementation or self.implementation
        if self.device == "cpu":
            from tests.instruments.absent_gpu import AbsentGpuCalls

            calls = AbsentGpuCalls(case)
            examined, self.notes = calls.of(examined), calls.notes
        if self._trace:
            self._trace.examine(case.id, case.rule_of_wild_access)
        findings: list[Finding] = []
        for memory in self._memories:
            found = examine(
                examined,
                case,
                contract=contract or self.contract,
                device=torch.device(self.device),
                instruments=self._instruments,
                memory=memory,
                on_step=self._trace.at if self._trace else lambda function, step: None,
            )
            findings += [finding for finding in found if finding not in findings]
        return findings

    def expect_no_findings(self, case: Case, item: pytest.Item) -> None:
        """Examine a case; attach what is found to the test, and fail it."""
        from tests.examine.call import DeviceLost

        try:
            findings = self.examine(case)
        except DeviceLost as lost:
            if self._trace:
                self._trace.die(lost.findings)
            _attach(item, lost.findings)
            pytest.exit(f"the GPU is lost to this process: {lost}; run with -n 1 to go on after it", returncode=1)
        if findings:
            _attach(item, findings)
            pytest.fail(describe(findings, self.implementation.name, self.contract), pytrace=False)


def describe(findings: Sequence[Finding], implementation: str, contract: Contract) -> str:
    """Return what a failed test prints: each finding with its rule, and the command that shows them again."""
    lines = [f"{finding}\n    (rule {finding.rule}: {RULES[finding.rule][1]})" for finding in findings]
    return "\n".join(
        [*lines, f"replay: ./ci/gate --impl {implementation} --contract {contract.label} --case '{findings[0].case}'"]
    )


def _attach(item: pytest.Item, findings: Sequence[Finding]) -> None:
    item.user_properties += [(reporting.FINDING, finding.as_json()) for finding in findings]
