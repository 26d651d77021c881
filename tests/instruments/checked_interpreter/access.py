"""Decides which lanes of an access may happen, and reports the others."""

from typing import NamedTuple

import numpy as np

from . import kinds
from .handles import CheckedHandle, limits
from .regions import Region
from .source import kernel_line
from .state import VERBS, LaunchState
from .taint import REPORTED, WRAP_IDS, undefined_lanes


class Granted(NamedTuple):
    """Lanes that may touch `region`: all of the access's (`lanes` None), or those of a mask of its shape."""

    region: Region
    lanes: np.ndarray | None


class Ruling(NamedTuple):
    """The lanes granted, a region each, and which active lanes were refused (None: none)."""

    granted: list[Granted]
    refused: np.ndarray | None


def rule(state: LaunchState, pointers: CheckedHandle, active: np.ndarray | None, size: int, operation: str) -> Ruling:
    """Check an access of `size` bytes a lane; `active` is None when all lanes are."""
    region = pointers.origin
    if isinstance(region, Region) and _plainly_allowed(region, pointers, active, size, operation):
        return Ruling([Granted(region, active)], None)
    return _rule_by_lane(state, pointers, active, size, operation)


def _plainly_allowed(
    region: Region, pointers: CheckedHandle, active: np.ndarray | None, size: int, operation: str
) -> bool:
    if operation != "read" and (region.read_only or region.protected or region.layout.runs):
        return False
    data = pointers.data
    if pointers.taint is not None and (pointers.taint if active is None else pointers.taint[active]).any():
        return False
    low, high = limits(pointers)  # type: ignore[misc]
    if low < region.start or high + size > region.end:
        if active is None:
            return False
        data = data[active]
        if int(data.min()) < region.start or int(data.max()) + size > region.end:
            return False
    elif active is not None and size > 1:
        data = data[active]
    return size == 1 or not (data & np.uint64(size - 1)).any()


def _rule_by_lane(
    state: LaunchState, pointers: CheckedHandle, active: np.ndarray | None, size: int, operation: str
) -> Ruling:
    shape = pointers.data.shape
    chosen = np.ones(shape, dtype=bool) if active is None else active
    addresses = pointers.data[chosen]
    taint = np.zeros(addresses.shape, np.int32) if pointers.taint is None else pointers.taint[chosen]
    if isinstance(pointers.origin, Region):
        numbers = np.full(addresses.shape, pointers.origin.number)
    else:
        numbers = state.regions.numbers_at(addresses)
        if pointers.origin is not None:
            known = np.broadcast_to(pointers.origin, shape)[chosen]
            numbers = np.where(known >= 0, known, numbers)
    allowed = np.zeros(addresses.shape, dtype=bool)
    granted = []
    for number in np.unique(numbers):
        members = numbers == number
        region = state.regions.regions[number] if number >= 0 else None
        allowed[members] = _rule_region(state, region, addresses[members], taint[members], size, operation)
        if region is not None and allowed[members].any():
            lanes = np.zeros(shape, dtype=bool)
            lanes[chosen] = members & allowed
            granted.append(Granted(region, lanes))
    if allowed.all():
        return Ruling(granted, None)
    refused = np.zeros(shape, dtype=bool)
    refused[chosen] = ~allowed
    return Ruling(granted, refused)


def _rule_region(
    state: LaunchState, region: Region | None, addresses: np.ndarray, taint: np.ndarray, size: int, operation: str
) -> np.ndarray:
    """Which lanes may touch `region` (None: the address is in no tensor of the launch)."""
    if region is None:
        outside = np.ones(addresses.shape, dtype=bool)
        offsets = addresses.view(np.int64)
    else:
        offsets = (addresses - np.uint64(region.start)).view(np.int64)
        outside = (offsets < 0) | (offsets > region.extent - size)
    access = _Access(state, region, offsets, size, operation)
    # A value from a refused load, or one blamed for its mark, is not also blamed for where it led.
    clean = taint < WRAP_IDS
    if state.garbage.zero:
        # Then undefined lanes have the value that they will have on the machine in question.
        clean |= undefined_lanes(taint)
    access.report_taint(taint, outside)
    access.report_outside(outside & clean, addresses)
    allowed = ~outside & (taint < REPORTED)
    if region is None:
        return allowed
    if operation != "read":
        allowed &= access.writable(region, allowed)
    misaligned = allowed & ((addresses & np.uint64(size - 1)) != 0)
    access.report_inside(kinds.ALIGNMENT, misaligned, f"the address is no multiple of {size}")
    return allowed & ~misaligned


class _Access(NamedTuple):
    """What lanes do at byte offsets of one region (None: of no tensor)."""

    state: LaunchState
    region: Region | None
    offsets: np.ndarray
    size: int
    operation: str

    def report_taint(self, taint: np.ndarray, outside: np.ndarray) -> None:
        """Report each source of marks that reached an address."""
        state = self.state
        name = self.region.name if self.region is not None else "unknown memory"
        for number in np.unique(taint):
            if number == 0 or number >= REPORTED:
                continue
            source = state.taints.source(int(number))
            lanes = taint == number
            effect = f", which leaves {name}" if outside[lanes].any() else ""
            message = (
                f"{state.program_name()}: {source.detail}, in {source.where}, and reached the address of a "
                f"{self.operation} of {name} in {kernel_line()}{effect}{_lanes_text(lanes)}"
            )
            place = {"offset": int(self.offsets[lanes][0]), "count": int(np.count_nonzero(lanes))}
            place["outside"] = int(np.count_nonzero(outside & lanes))
            state.report_at(source.where, source.kind, message, self.operation, self.region, **place)

    def report_outside(self, lanes: np.ndarray, addresses: np.ndarray) -> None:
        """Report lanes that lie outside the region."""
        if not lanes.any():
            return
        region, size, offset = self.region, self.size, int(self.offsets[lanes][0])
        if region is None:
            place = f"at address {int(addresses[lanes][0]):#x}, which is in no tensor of the launch"
            offset = 0
        elif offset >= region.extent:
            place = f"at {offset - region.extent} past the end of {region.name}"
        elif offset < 0:
            place = f"at {-offset} before the start of {region.name}"
        else:
            place = f"ending {offset + size - region.extent} past the end of {region.name}"
        bytes_ = f"{size} byte{'s' if size > 1 else ''}"
        kind = kinds.READ_OUTSIDE if self.operation == "read" else kinds.WRITE_OUTSIDE
        self._report(kind, lanes, f"{bytes_} {place}, in {kernel_line()}", offset)

    def writable(self, region: Region, inside: np.ndarray) -> np.ndarray:
        """Report lanes that write bytes which must not be written, and return the others."""
        writable = np.ones(inside.shape, dtype=bool)
        forbidden = [(region.name, inside)] if region.read_only else []
        for name, layout in region.protected:
            # An access that touches the tensor with its first or its last byte touches it.
            begin = self.offsets + (region.start - layout.start)
            touched = np.zeros(inside.shape, dtype=bool)
            for byte in (begin, begin + self.size - 1):
                touched |= (byte >= 0) & (byte < layout.extent) & layout.holds(byte, 1)
            forbidden.append((name, inside & touched))
        for name, lanes in forbidden:
            self.report_inside(kinds.READ_ONLY_WRITE, lanes, f"{name} must not be written")
            writable &= ~lanes
        gaps = inside & writable & ~region.layout.holds(self.offsets, self.size)
        self.report_inside(kinds.WRITE_GAP, gaps, "that is a gap between its rows")
        return writable & ~gaps

    def report_inside(self, kind: str, lanes: np.ndarray, why: str) -> None:
        """Report lanes, if there are any, that do at a byte of the region what they must not do there."""
        if lanes.any():
            assert self.region is not None
            offset = int(self.offsets[lanes][0])
            told = f"{self.size} bytes at byte {offset} of {self.region.name}, in {kernel_line()}: {why}"
            self._report(kind, lanes, told, offset)

    def _report(self, kind: str, lanes: np.ndarray, told: str, offset: int) -> None:
        message = f"{self.state.program_name()} {VERBS[self.operation]} {told}{_lanes_text(lanes)}"
        count = int(np.count_nonzero(lanes))
        self.state.report(kind, message, self.operation, self.region, offset=offset, count=count)


def report_undefined(
    state: LaunchState, handle: CheckedHandle, lanes: np.ndarray | None, what: str, region: Region | None = None
) -> None:
    """Report undefined lanes of a value that decides or is kept: a mask, a stored value, a condition."""
    taint = handle.taint
    if taint is None:
        return
    if lanes is not None:
        taint = taint[lanes]
    undefined = undefined_lanes(taint)
    if not undefined.any():
        return
    source = state.taints.source(int(taint[undefined][0]))
    message = (
        f"{state.program_name()}: {source.detail}, in {source.where}, and reached {what} in {kernel_line()}"
        f"{_lanes_text(undefined)}"
    )
    count = int(np.count_nonzero(undefined))
    state.report_at(source.where, kinds.UNDEFINED, message, what, region, count=count)


def _lanes_text(lanes: np.ndarray) -> str:
    count = int(np.count_nonzero(lanes))
    return f" ({count} lanes)" if count > 1 else ""
