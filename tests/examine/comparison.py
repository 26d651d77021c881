"""What result rows hold, against what they should: found fast, told in pages and tokens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from reference.coded_pool import decode_k, decode_s
from reference.layout import LAYOUTS, places
from tests.calls.contents import rows_of
from tests.calls.fetching import Fetch, is_on_host, same
from tests.calls.placed import FILLER
from tests.cases.case import Case
from tests.cases.plan import Plan
from tests.examine.blame import Seen
from tests.examine.wraps import is_from_wrapped_address
from tests.instruments.checked_interpreter.kinds import REFUSED_BYTE

ROWS_AT_ONCE = 1 << 18
ROWS_TOLD = 3
"""Wrong rows that a finding describes; it counts the rest."""


@dataclass(frozen=True)
class WrongRows:
    """Rows of one result that are not what they should be."""

    part: str
    """`K` or `S`."""
    count: int
    total: int
    rows: tuple[int, ...]
    """The first few wrong rows."""
    told: tuple[str, ...]
    """A sentence for each of `rows`."""
    seen: Seen
    """What kind of rows they are, as far as `rows` tell."""
    reads_refused: bool
    """Whether each wrong row is what the checked interpreter gives in place of a read that it refuses."""
    other: "WrongRows | None" = None
    """Those of the other part, which are of the same kind."""

    def with_other(self, other: "WrongRows") -> "WrongRows":
        """Return these rows and those of the other part, told as one."""
        return replace(self, other=other)

    def __str__(self) -> str:
        more = f" and {self.count - len(self.rows):,} more rows" if self.count > len(self.rows) else ""
        also = f"; so are {self.other.count:,} rows of {self.other.part}" if self.other else ""
        return f"{self.count:,} of {self.total:,} rows of {self.part} are wrong: {'; '.join(self.told)}{more}{also}"


class Expectation:
    """The rows that a call must return, computed from the plan and never from the memory that the call was given."""

    def __init__(self, case: Case, contents: Plan, device: torch.device) -> None:
        self.case = case
        self.plan = contents
        self._is_interpreted = device.type == "cpu"
        self._row_starts = np.concatenate([[0], np.cumsum(contents.seq_lens)])

    def wrong_rows(
        self, part: str, result: torch.Tensor, poison: int, earlier: "Expectation | None" = None
    ) -> WrongRows | None:
        """Compare a result with what it should be.

        Args:
            part: `K` or `S`.
            result: `(rows, bytes)` uint8, or a copy on the host.
            poison: byte that memory held before anything was written to it.
            earlier: what the call before this one should have returned.

        Returns:
            The wrong rows, or None where there are none.
        """
        count, first, refused = 0, torch.zeros(0, dtype=torch.int64), self._is_interpreted
        fetch, total = Fetch(), result.shape[0]
        starts = range(0, total, ROWS_AT_ONCE)
        looks = (fetch.differs(*self._compared(part, result, start)) for start in starts)
        # A device gets all to do before it is waited for.
        for start, is_other in zip(starts, looks if is_on_host(result) else list(looks), strict=True):
            if not is_other():
                continue
            some, right = self._compared(part, result, start)
            wrong = (some != right).any(dim=1).nonzero().flatten().cpu() + start
            count += len(wrong)
            refused = refused and bool((result[wrong] == REFUSED_BYTE).all())
            first = torch.cat([first, wrong])[:ROWS_TOLD]
        if not count:
            return None
        rows = tuple(int(row) for row in first)
        result = result[first.to(result.device)].cpu()
        held = dict(zip(rows, result, strict=True))
        return WrongRows(
            part=part,
            count=count,
            total=total,
            rows=rows,
            told=tuple(self._tell(part, row, of, poison, earlier) for row, of in held.items()),
            seen=self._seen(part, held, earlier),
            reads_refused=refused,
        )

    def _seen(self, part: str, held: Mapping[int, torch.Tensor], earlier: "Expectation | None") -> Seen:
        def each(is_so: Callable[[int, torch.Tensor], bool]) -> bool:
            return all(is_so(row, of) for row, of in held.items())

        if earlier and each(lambda row, of: same(of, earlier._right(part, row))):
            return Seen.ROW_FROM_EARLIER_CALL
        if each(lambda row, of: self.plan.row_slots[row] < 0):
            return Seen.ROW_OF_INVALID_PAGE
        if each(lambda row, of: is_from_wrapped_address(self.case, self.plan, part, row, of, self._of_slots)):
            return Seen.ROW_FROM_WRAPPED_ADDRESS
        return Seen.WRONG_ROW

    def _compared(self, part: str, result: torch.Tensor, start: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return some rows of a result, and what they should be."""
        held = result[start : start + ROWS_AT_ONCE]
        return held, self._expected(part, slice(start, start + held.shape[0]), held.device)

    def _of_slots(self, slots: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        of = torch.tensor(slots)
        k, s = (rows_of(self.case, of, self.plan.content_seed, part) for part in ("K", "S"))
        return k, s

    def _right(self, part: str, row: int) -> torch.Tensor:
        return self._expected(part, slice(row, row + 1), torch.device("cpu"))[0]

    def _expected(self, part: str, rows: slice, device: torch.device) -> torch.Tensor:
        slots = torch.from_numpy(self.plan.row_slots[rows]).to(device, non_blocking=True)
        return rows_of(self.case, slots, self.plan.content_seed, part)

    def _tell(self, part: str, row: int, held: torch.Tensor, poison: int, earlier: "Expectation | None") -> str:
        sequence = int(np.searchsorted(self._row_starts, row, side="right")) - 1
        token = row - int(self._row_starts[sequence])
        slot = int(self.plan.row_slots[row])
        if slot < 0:
            page = self.plan.page_table[sequence, token // self.case.page_size]
            should = f"zeros, since page {page} is none of the pool's {self.plan.num_pages}"
        else:
            should = self._name(slot)
        expected = self._right(part, row)
        return (
            f"row {row} (sequence {sequence}, token {token}): {part} is "
            f"{self._what(part, held, expected, slot, poison, earlier)}, should be {should}"
        )

    def _name(self, slot: int) -> str:
        return f"page {slot // self.case.page_size} token {slot % self.case.page_size}"

    def _what(
        self,
        part: str,
        held: torch.Tensor,
        expected: torch.Tensor,
        slot: int,
        poison: int,
        earlier: "Expectation | None",
    ) -> str:
        if bool((held == poison).all()):
            return "never written"
        if not held.any():
            return "zeros"
        for byte, name in ((REFUSED_BYTE, "what a refused read gives"), (FILLER, "what lies beside the pages of buf")):
            if bool((held == byte).all()):
                return name
        if self.case.content == "coded":
            for source, suffix in ((self, ""), (earlier, " as it was in the call before")):
                found = source and source._decode(part, held)
                if found:
                    return f"{found}{suffix}"
        moved = self._moved(part, held, slot)
        if moved:
            return moved
        unwritten = (held == poison) & (expected != poison)
        if bool(unwritten.any()):
            lanes = unwritten.nonzero().flatten()
            return f"in part never written (byte {int(lanes[0])} the first)"
        lane = int((held != expected).nonzero()[0])
        return (
            f"wrong in {int((held != expected).sum())} of {held.numel()} bytes "
            f"(byte {lane} is 0x{int(held[lane]):02x}, not 0x{int(expected[lane]):02x})"
        )

    def _decode(self, part: str, held: torch.Tensor) -> str | None:
        """Return the page and token that a row of codes came from, in part or as a whole."""
        seed, dim = self.plan.content_seed, self.case.index_head_dim
        slots = decode_k(held[None], seed)[0] if part == "K" else decode_s(held[None], dim, seed)
        known = slots[(slots < self.plan.num_pages * self.case.page_size)]
        if not known.numel():
            return None
        values, counts = known.unique(return_counts=True)
        best = int(counts.argmax())
        name = self._name(int(values[best]))
        if int(counts[best]) == slots.numel():
            return name
        if int(counts[best]) < 2:
            return None
        lanes = (slots == values[best]).nonzero().flatten() * 4
        others = len(values) - 1
        also = f", others from {others} more tokens" if others else ""
        return f"{name} in {len(lanes) * 4} of its bytes (from byte {int(lanes[0])} on{also})"

    def _moved(self, part: str, held: torch.Tensor, slot: int) -> str | None:
        """Return where in the right page the held bytes lie, if they do: all of them, or the first that are wrong."""
        if slot < 0 or held.numel() < 4:
            return None
        case, size = self.case, self.case.page_size
        page = slot // size
        slots = list(range(page * size, page * size + size))
        contents = LAYOUTS[case.layout].pages_of(*self._of_slots(slots), size)[0]
        content, needle = bytes(contents.tolist()), bytes(held.tolist())
        of_keys, of_scales = places(case.layout, size, case.index_head_dim)
        right = (of_keys if part == "K" else of_scales)[slot % size]
        at = content.find(needle)
        if at >= 0 and at != int(right[0]) and content.find(needle, at + 1) < 0:
            off = f"which begin {at - int(right[0]):+d} bytes off"
            return f"bytes {at} to {at + len(needle) - 1} of page {page}, {off}"
        expected = contents[right]
        lane = int((held != expected).nonzero()[0]) // 4 * 4
        at = content.find(needle[lane : lane + 4])
        if at < 0 or content.find(needle[lane : lane + 4], at + 1) >= 0 or not bool((of_keys == at).any()):
            return None
        token, of_lane = (int(number) for number in (of_keys == at).nonzero()[0])
        return f"from byte {lane} on what is at page {page} token {token} lane {of_lane}"
