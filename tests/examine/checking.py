"""The checked interpreter as an instrument of the examination: violations become findings of the contract."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from tests.calls.inputs import Call
from tests.cases.case import Case
from tests.contract import Contract, level_of
from tests.instruments.checked_interpreter import CheckedInterpreter, Traffic, Violation, Watch, kinds


class Checked:
    """Checks each load and store of a call on Triton's interpreter.

    Lanes that Triton leaves undefined are zero in an ordinary call, as NVIDIA's code happens to make them, so that
    their use is one finding and not many wrong rows. In an adverse call they are garbage.
    """

    def __init__(self) -> None:
        self._ordinary = CheckedInterpreter(undefined_as_zero=True)
        self._adverse = CheckedInterpreter(undefined_as_zero=False)

    @contextmanager
    def watch(self, call: Call, adverse: bool) -> Iterator["CheckedCall"]:
        """Check the launches inside the block; see `tests.examine.call.Instrument`."""
        tensors = {
            name: tensor
            for name, tensor in call.arguments.tensors.items()
            if isinstance(tensor, torch.Tensor) and tensor.device.type == "cpu"
        }
        checker = self._adverse if adverse else self._ordinary
        with checker.watch(read_only=tensors) as seen:
            yield CheckedCall(seen, call, adverse)


class CheckedCall:
    """What the checked interpreter saw during one call."""

    def __init__(self, seen: Watch, call: Call, adverse: bool) -> None:
        self._seen = seen
        self._call = call
        self._adverse = adverse

    def findings(self) -> list[tuple[int, str, dict[str, Any]]]:
        """Return rule, message and details of each violation, one for each kind and line of the kernel.

        Where an adverse call uses undefined values, what else goes wrong in it may be their doing: an ordinary call
        has shown what is not.
        """
        violations = self._seen.violations
        undefined = [violation for violation in violations if violation.kind == kinds.UNDEFINED]
        if self._adverse and undefined:
            violations = undefined
        if self._call.case.rows_are_open:
            violations = [violation for violation in violations if not _is_open(violation)]
        by_line: dict[tuple[str, str, int], list[Violation]] = {}
        for violation in violations:
            by_line.setdefault((violation.kind, violation.source_file, violation.source_line), []).append(violation)
        return [self._finding(alike) for alike in by_line.values()] or self._traffic()

    def _traffic(self) -> list[tuple[int, str, dict[str, Any]]]:
        """Compare the bytes that the kernels moved with those that they needed to."""
        if self._call.needed_rows is None or not self._seen.launches:
            return []
        width = {"get_k_and_s": 4, "get_k": 0, "get_s": 4 - self._call.arguments.index_head_dim}[self._call.function]
        width += self._call.arguments.index_head_dim
        read = self._seen.traffic.get("buf", Traffic()).bytes_read
        written = sum(traffic.bytes_written for traffic in self._seen.traffic.values())
        should_read = self._call.needed_rows * width
        should_write = self._call.arguments.seq_len_sum * width
        told = []
        if read > should_read:
            told.append(f"read {read:,} bytes of buf, should be {should_read:,}")
        if written > should_write:
            told.append(f"wrote {written:,} bytes, should be {should_write:,}")
        return [(19, sentence, {"read": read, "written": written}) for sentence in told]

    def _finding(self, alike: list[Violation]) -> tuple[int, str, dict[str, Any]]:
        first, count = alike[0], sum(violation.count for violation in alike)
        details = {"kind": first.kind, "line": f"{first.source_file}:{first.source_line}", "count": count}
        return rule_of(first, self._call.case), first.message, details


def _is_open(violation: Violation) -> bool:
    """Whether a violation is none where the contract leaves open what the rows hold, and with it who writes them.

    Lengths that nobody can have may wrap: only where they lead to is of interest.
    """
    return violation.kind == kinds.RACE or (violation.kind == kinds.WRAP and not violation.outside)


def rule_of(violation: Violation, case: Case) -> int:
    """Return the rule that a violation breaks on a case.

    A wild access breaks what the case is about; on good input, a write outside the result is rule 7.
    """
    about = case.rule_of_wild_access
    if violation.kind in (kinds.READ_OUTSIDE, kinds.ALIGNMENT, kinds.GRID, kinds.DESCRIPTOR):
        return about
    if violation.kind == kinds.WRITE_OUTSIDE and level_of(about) > Contract.TRUSTING:
        return about
    if violation.kind == kinds.WRAP and case.rows_are_open:
        return about
    return violation.rule
