"""What checks a call on the CPU, as instruments of the examination: what they see becomes faults of the call."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from tests.calls.inputs import Arguments, Call
from tests.calls.placed import FILLER
from tests.examine.blame import Seen
from tests.examine.call import POISONS
from tests.examine.finding import Fault
from tests.instruments.checked_interpreter import CheckedInterpreter, Traffic, Violation, Watch, kinds
from tests.instruments.compiles import CompiledCall, Compiles

FILLERS = {
    FILLER: "which lie between the elements of an argument",
    kinds.REFUSED_BYTE: "which a refused read gives",
    **dict.fromkeys(POISONS, "which nobody has written"),
}
"""Bytes that mean nothing, and where they are found."""


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

    def faults(self) -> list[Fault]:
        """Return the violations, one for each kind and argument that it is about: all results are one.

        Where an adverse call uses undefined values, what else goes wrong in it may be their doing: an ordinary call
        has shown what is not.
        """
        violations = self._seen.violations
        undefined = [violation for violation in violations if violation.kind == kinds.UNDEFINED]
        if self._adverse and undefined:
            violations = undefined
        if self._call.case.rows_are_open:
            violations = [violation for violation in violations if not _is_open(violation)]
        together: dict[tuple[str, str], list[Violation]] = {}
        for violation in violations:
            together.setdefault((violation.kind, self._about(violation)), []).append(violation)
        return [self._fault(about, alike) for (_, about), alike in together.items()] or self._traffic()

    def _about(self, violation: Violation) -> str:
        if not violation.tensor:
            return ""
        return violation.tensor if violation.tensor in self._call.arguments.tensors else "a result"

    def _traffic(self) -> list[Fault]:
        """Compare the bytes that the kernels moved with those that they needed to."""
        if self._call.needed_rows is None or not self._seen.launches:
            return []
        width = {"get_k_and_s": 4, "get_k": 0, "get_s": 4 - self._call.arguments.index_head_dim}[self._call.function]
        width += self._call.arguments.index_head_dim
        read = self._seen.traffic.get("buf", Traffic()).bytes_read
        written = sum(traffic.bytes_written for traffic in self._seen.traffic.values())
        should_read = self._call.needed_rows * width
        should_write = self._call.arguments.seq_len_sum * width
        figures = {"read": read, "written": written}
        told = []
        if read > should_read:
            sentence = f"read {read:,} bytes of buf, should be {should_read:,}"
            told.append(Fault(Seen.TRAFFIC, sentence, "read", figures))
        if written > should_write:
            sentence = f"wrote {written:,} bytes, should be {should_write:,}"
            told.append(Fault(Seen.TRAFFIC, sentence, "written", figures))
        return told

    def _fault(self, about: str, alike: list[Violation]) -> Fault:
        first = next((violation for violation in alike if violation.outside), alike[0])
        lines = [f"{violation.source_file}:{violation.source_line}" for violation in alike]
        lines = list(dict.fromkeys([f"{first.source_file}:{first.source_line}", *lines]))
        count = sum(violation.count for violation in alike)
        message = first.message + filler_page(first, self._call.arguments)
        if len(lines) > 1:
            message += f"; so does {', '.join(lines[1:])}"
        return Fault(Seen(first.kind), message, about, {"kind": first.kind, "lines": lines, "count": count})


def _is_open(violation: Violation) -> bool:
    """Whether a violation is none where the contract leaves open what the rows hold, and with it who writes them.

    Lengths that nobody can have may wrap: only where they lead to is of interest.
    """
    return violation.kind == kinds.RACE or (violation.kind == kinds.WRAP and not violation.outside)


def filler_page(violation: Violation, arguments: Arguments) -> str:
    """Return what a page number is that led outside the pool, where it is made of bytes that nobody gave a meaning."""
    if violation.kind != kinds.READ_OUTSIDE or violation.tensor != "buf":
        return ""
    for byte, name in FILLERS.items():
        for width in (4, 8):
            page = int.from_bytes(bytes([byte] * width), "little", signed=True)
            pitches = {arguments.buf.stride(0), arguments.buf.shape[1]}
            if any(pitch and violation.offset // pitch == page for pitch in pitches):
                return f"; it took {width} bytes 0x{byte:02x}, {name}, for page {page}"
    return ""


class Compiled:
    """Asks Triton's compiler about each variant that a call launches on the interpreter."""

    def __init__(self, compiles: Compiles) -> None:
        self._compiles = compiles

    @contextmanager
    def watch(self, call: Call, adverse: bool) -> Iterator["CompilerSaid"]:
        """Note the launches inside the block; see `tests.examine.call.Instrument`."""
        with self._compiles.watch() as seen:
            yield CompilerSaid(seen)


class CompilerSaid:
    """What the compiler said of one call."""

    def __init__(self, seen: CompiledCall) -> None:
        self._seen = seen

    def faults(self) -> list[Fault]:
        """Return the variants that do not compile, one for each line of a kernel that is to blame."""
        refusals = self._seen.refusals()
        return [Fault(Seen.NOT_COMPILED, told.message, told.line, {"lines": [told.line]}) for told in refusals]
