"""What one launch shares between the programs that the interpreter runs one by one."""

from typing import Any

import numpy as np

from . import kinds
from .races import AccessMap, Conflict
from .regions import Region, RegionTable
from .source import Line, kernel_line
from .taint import TaintTable
from .violations import Findings, Violation

VERBS = {"read": "read", "write": "wrote", "atomic": "updated"}


class Garbage:
    """Deterministic bytes for lanes that Triton leaves undefined: none of them 0, or with `zero` all."""

    _LENGTH = 1 << 16

    def __init__(self, seed: int, zero: bool) -> None:
        bytes_ = np.random.default_rng(seed).integers(1, 256, self._LENGTH, dtype=np.uint8)
        self._bytes = np.zeros_like(bytes_) if zero else bytes_
        self.zero = zero
        self._next = 0

    def lanes(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """A new array of undefined values."""
        if dtype == np.bool_:
            return self.lanes(shape, np.dtype(np.uint8)) % 2 == 1
        count = int(np.prod(shape)) * dtype.itemsize
        if count > self._LENGTH - self._next:
            self._next = 8 * (self._next % 97)
        taken = np.resize(self._bytes[self._next :], count)
        self._next += -(-count // 8) * 8 % 4096 + 8
        return taken.view(dtype).reshape(shape)


class LaunchState:
    """The memory, marks and findings of a launch, and the program that runs now."""

    def __init__(self, regions: RegionTable, findings: Findings, taints: TaintTable, garbage: Garbage) -> None:
        self.regions = regions
        self.findings = findings
        self.taints = taints
        self.garbage = garbage
        self.program = 0
        self.program_id: tuple[int, ...] = ()
        self._grid: tuple[int, int, int] = (1, 1, 1)
        self._rank = 1
        self._maps: dict[int, AccessMap] = {}

    def begin(self, grid: tuple[int, int, int], rank: int) -> None:
        """Set the grid, of which the caller gave `rank` axes, and lay out the maps of accesses."""
        self._grid = grid
        self._rank = rank
        regions = sorted((r for r in self.regions.regions if r.extent), key=lambda r: r.start)
        shared: list[Region] = []
        end = 0
        for region in [*regions, None]:
            if shared and (region is None or region.start >= end):
                accesses = AccessMap(shared[0].start, end - shared[0].start)
                self._maps.update((member.number, accesses) for member in shared)
                shared = []
                end = 0
            if region is not None:
                shared.append(region)
                end = max(end, region.end)

    def enter(self, program: int, x: int, y: int, z: int) -> None:
        """A program begins; `program` counts from 1."""
        self.program = program
        self.program_id = (x, y, z)[: self._rank]

    def touch(self, region: Region, operation: str, addresses: np.ndarray, size: int, told: str = "") -> None:
        """Note that the program does `operation` on the bytes; a race is told as one of `told`, if that is another."""
        accesses = self._maps[region.number]
        note = {"read": accesses.read, "write": accesses.write, "atomic": accesses.update}[operation]
        if conflicts := note(addresses, size, self.program):
            self.report_races(region, told or operation, conflicts)

    def program_name(self) -> str:
        """The running program, as messages name it."""
        return f"program {_tuple_text(self.program_id)}"

    def report(self, kind: str, message: str, operation: str, region: Region | None = None, **place: Any) -> None:
        """Record a finding of the running program at the current line of the kernel."""
        self.report_at(kernel_line(), kind, message, operation, region, **place)

    def report_at(
        self, where: Line, kind: str, message: str, operation: str, region: Region | None = None, **place: Any
    ) -> None:
        """Record a finding of the running program at the given line."""
        name = region.name if region is not None else ""
        self.findings.add(Violation(kind, self.program_id, operation, where.file, where.line, name, message, **place))

    def report_races(self, region: Region, operation: str, conflicts: list[Conflict]) -> None:
        """Record the programs that touched the same bytes as the running one."""
        where = kernel_line()
        for address, other, other_did, count in conflicts:
            _, ny, nz = self._grid
            x, rest = divmod(other - 1, ny * nz)
            other_id = (x, *divmod(rest, nz))[: self._rank]
            offset = address - region.start
            message = (
                f"{self.program_name()} {VERBS[operation]} byte {offset} of {region.name}, in {where}, "
                f"and program {_tuple_text(other_id)} of the same launch {other_did} it"
            )
            self.report_at(where, kinds.RACE, message, operation, region, offset=offset, count=count)


def _tuple_text(program_id: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, program_id))})"
