"""Which program touched which byte of a launch, to find programs that race whatever order they run in.

The maps hold a program number (from 1) a byte, in memory that the operating system hands out as it is
touched, so that a large pool costs nothing but address space.
"""

from typing import NamedTuple

import numpy as np

from tests.instruments.red_zones import mapped_zeros

_BYTES_A_CELL = 4
_ALIGNMENT = 64
_MAX_PENDING_LANES = 1 << 22


class Conflict(NamedTuple):
    """A byte that this program and program number `other` both touched, the first of `bytes_`."""

    address: int
    other: int
    other_did: str
    bytes_: int


def dense_span(addresses: np.ndarray, size: int) -> tuple[int, int] | None:
    """The byte interval that accesses of `size` bytes fill in order and without a gap, if they do."""
    flat = addresses.reshape(-1)
    first, last = int(flat[0]), int(flat[-1])
    if last - first != (flat.size - 1) * size:
        return None
    if flat.size > 2 and not (flat[1:] - flat[:-1] == np.uint64(size)).all():
        return None
    return first, last + size


class AccessMap:
    """The accesses of one launch to the `length` bytes from address `start`."""

    def __init__(self, start: int, length: int) -> None:
        self._start = start - start % _ALIGNMENT
        self._cells = -(-(start + length - self._start) // _ALIGNMENT) * _ALIGNMENT
        self._maps: dict[str, np.ndarray] = {}
        self._pending: list[tuple[int, np.ndarray, int]] = []
        self._pending_lanes = 0

    def read(self, addresses: np.ndarray, size: int, program: int) -> list[Conflict]:
        """Note that `program` read `size` bytes at each address; what that conflicts with."""
        # Most tensors that a kernel reads it never writes, so reads are only filed when a write comes.
        self._pending.append((program, addresses, size))
        self._pending_lanes += addresses.size
        if self._pending_lanes > _MAX_PENDING_LANES:
            self._file_reads()
        if not self._maps:
            return []
        where = self._where(addresses, size)
        return self._conflicts(where, size, program, ("wrote", "updated first", "updated last"))

    def write(self, addresses: np.ndarray, size: int, program: int) -> list[Conflict]:
        """Note that `program` wrote `size` bytes at each address; what that conflicts with."""
        self._file_reads()
        where = self._where(addresses, size)
        found = self._conflicts(
            where, size, program, ("wrote", "read first", "read last", "updated first", "updated last")
        )
        self._view("wrote", where, size)[where] = program
        return found

    def update(self, addresses: np.ndarray, size: int, program: int) -> list[Conflict]:
        """Note an atomic operation; it conflicts with plain accesses only."""
        self._file_reads()
        where = self._where(addresses, size)
        found = self._conflicts(where, size, program, ("wrote", "read first", "read last"))
        self._note_first_and_last("updated", where, size, program)
        return found

    def _file_reads(self) -> None:
        for program, addresses, size in self._pending:
            self._note_first_and_last("read", self._where(addresses, size), size, program)
        self._pending.clear()
        self._pending_lanes = 0

    def _note_first_and_last(self, what: str, where: "slice | np.ndarray", size: int, program: int) -> None:
        # The interpreter runs one program after the other, so the first and the last toucher of a byte differ
        # exactly when there were several.
        first = self._view(f"{what} first", where, size)
        known = first[where]
        first[where] = np.where(known == 0, program, known)
        self._view(f"{what} last", where, size)[where] = program

    def _where(self, addresses: np.ndarray, size: int) -> "slice | np.ndarray":
        span = dense_span(addresses, size)
        if span is not None:
            return slice(span[0] - self._start, span[1] - self._start)
        offsets = (addresses.reshape(-1) - np.uint64(self._start)).view(np.int64)
        return offsets if size == 1 else offsets // size

    def _view(self, what: str, where: "slice | np.ndarray", size: int) -> np.ndarray:
        cells = self._maps.get(what)
        if cells is None:
            memory = mapped_zeros(self._cells * _BYTES_A_CELL)
            cells = self._maps[what] = np.frombuffer(memory, dtype=np.int32)
        return cells if size == 1 or isinstance(where, slice) else cells.reshape(-1, size)

    def _conflicts(
        self, where: "slice | np.ndarray", size: int, program: int, against: tuple[str, ...]
    ) -> list[Conflict]:
        found: dict[str, Conflict] = {}
        for what in against:
            verb = what.split()[0]
            if what not in self._maps or verb in found:
                continue
            cells = self._view(what, where, size)[where].reshape(-1)
            if not cells.any():
                continue
            foreign = np.flatnonzero((cells != 0) & (cells != program))
            if foreign.size:
                lane, byte = (0, int(foreign[0])) if isinstance(where, slice) else divmod(int(foreign[0]), size)
                first = where.start if isinstance(where, slice) else int(where[lane]) * size
                found[verb] = Conflict(self._start + first + byte, int(cells[foreign[0]]), verb, foreign.size)
        return list(found.values())
