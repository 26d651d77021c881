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
    state: LaunchState,
    region: Region | None,
    addresses: np.ndarray,
    taint: np.ndarray,
    size: int,
    operation: str,
) -> np.ndarray:
    """Which lanes may touch `region` (None: the address is in no tensor of the launch)."""
    if region is None:
        outside = np.ones(addresses.shape, dtype=bool)
        offsets = addresses.view(np.int64)
    else:
        offsets = (addresses - np.uint64(region.start)).view(np.int64)
        outside = (offsets < 0) | (offsets > region.extent - size)
    # A value from a refused load, or one blamed for its mark, is not also blamed for where it led.
    clean = taint < WRAP_IDS
    if state.garbage.zero:
        # Then undefined lanes have the value that they will have on the machine in question.
        clean |= undefined_lanes(taint)
    _report_taint(state, region, taint, outside, offsets, size, operation)
    _report_outside(state, region, outside & clean, offsets, addresses, size, operation)
    allowed = ~outside & (taint < REPORTED)
    if region is None:
        return allowed
    if operation != "read":
        allowed &= _writable(state, region, allowed, offsets, size, operation)
    misaligned = allowed & ((addresses & np.uint64(size - 1)) != 0)
    if misaligned.any():
        offset = int(offsets[misaligned][0])
        message = (
            f"{state.program_name()} {VERBS[operation]} {size} bytes at byte {offset} of {region.name}, in "
            f"{kernel_line()}: the address is no multiple of {size}{_lanes_text(misaligned)}"
        )
        _report_lanes(state, kinds.ALIGNMENT, message, operation, region, offset, size, misaligned)
    return allowed & ~misaligned


def _report_taint(
    state: LaunchState,
    region: Region | None,
    taint: np.ndarray,
    outside: np.ndarray,
    offsets: np.ndarray,
    size: int,
    operation: str,
) -> None:
    for number in np.unique(taint):
        if number == 0 or number >= REPORTED:
            continue
        source = state.taints.source(int(number))
        lanes = taint == number
        name = region.name if region is not None else "unknown memory"
        effect = f", which leaves {name}" if outside[lanes].any() else ""
        here = kernel_line()
        message = (
            f"{state.program_name()}: {source.detail}, in {source.where}, and reached the address of a "
            f"{operation} of {name} in {here}{effect}{_lanes_text(lanes)}"
        )
        place = {
            "offset": int(offsets[lanes][0]),
            "size": size,
            "count": int(np.count_nonzero(lanes)),
            "outside": int(np.count_nonzero(outside & lanes)),
        }
        state.report_at(source.where, source.kind, message, operation, region, **place)


def _report_outside(
    state: LaunchState,
    region: Region | None,
    lanes: np.ndarray,
    offsets: np.ndarray,
    addresses: np.ndarray,
    size: int,
    operation: str,
) -> None:
    if not lanes.any():
        return
    offset = int(offsets[lanes][0])
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
    message = f"{state.program_name()} {VERBS[operation]} {bytes_} {place}, in {kernel_line()}{_lanes_text(lanes)}"
    kind = kinds.READ_OUTSIDE if operation == "read" else kinds.WRITE_OUTSIDE
    _report_lanes(state, kind, message, operation, region, offset, size, lanes)


def _writable(
    state: LaunchState, region: Region, inside: np.ndarray, offsets: np.ndarray, size: int, operation: str
) -> np.ndarray:
    """Which lanes write bytes that may be written."""
    writable = np.ones(offsets.shape, dtype=bool)
    forbidden = [(region.name, inside)] if region.read_only else []
    for name, layout in region.protected:
        # An access that touches the tensor with its first or its last byte touches it.
        begin = offsets + (region.start - layout.start)
        touched = np.zeros(offsets.shape, dtype=bool)
        for byte in (begin, begin + size - 1):
            touched |= (byte >= 0) & (byte < layout.extent) & layout.holds(byte, 1)
        forbidden.append((name, inside & touched))
    for name, lanes in forbidden:
        if lanes.any():
            offset = int(offsets[lanes][0])
            message = (
                f"{state.program_name()} {VERBS[operation]} {size} bytes at byte {offset} of {region.name}, "
                f"in {kernel_line()}: {name} must not be written{_lanes_text(lanes)}"
            )
            _report_lanes(state, kinds.READ_ONLY_WRITE, message, operation, region, offset, size, lanes)
            writable &= ~lanes
    gaps = inside & writable & ~region.layout.holds(offsets, size)
    if gaps.any():
        offset = int(offsets[gaps][0])
        message = (
            f"{state.program_name()} {VERBS[operation]} {size} bytes at byte {offset} of {region.name}, in "
            f"{kernel_line()}: that is a gap between its rows{_lanes_text(gaps)}"
        )
        _report_lanes(state, kinds.WRITE_GAP, message, operation, region, offset, size, gaps)
        writable &= ~gaps
    return writable


def report_undefined(
    state: LaunchState,
    handle: CheckedHandle,
    lanes: np.ndarray | None,
    what: str,
    region: Region | None = None,
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


def _report_lanes(
    state: LaunchState,
    kind: str,
    message: str,
    operation: str,
    region: Region | None,
    offset: int,
    size: int,
    lanes: np.ndarray,
) -> None:
    count = int(np.count_nonzero(lanes))
    state.report(kind, message, operation, region, offset=offset, size=size, count=count)


def _lanes_text(lanes: np.ndarray) -> str:
    count = int(np.count_nonzero(lanes))
    return f" ({count} lanes)" if count > 1 else ""
