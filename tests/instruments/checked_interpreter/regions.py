"""The memory that a launch may touch: one region a tensor argument."""

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

_NP_WORDS: dict[int, np.dtype[Any]] = {
    1: np.dtype(np.uint8),
    2: np.dtype(np.uint16),
    4: np.dtype(np.uint32),
    8: np.dtype(np.uint64),
}


@dataclass(frozen=True)
class Layout:
    """Which bytes a strided tensor holds: `runs` of `run_bytes` each.

    `runs` are (count, stride in bytes) of the dimensions that do not touch, the widest stride first.
    """

    start: int
    extent: int
    runs: tuple[tuple[int, int], ...]
    run_bytes: int

    @classmethod
    def of(cls, tensor: torch.Tensor) -> "Layout":
        """The layout of `tensor`; an empty one has no bytes."""
        size = tensor.element_size()
        start = tensor.data_ptr()
        if tensor.numel() == 0:
            return cls(start, 0, (), 0)
        dims = sorted(
            (stride * size, count)
            for count, stride in zip(tensor.shape, tensor.stride(), strict=True)
            if count > 1 and stride > 0
        )
        extent = size + sum((count - 1) * stride for stride, count in dims)
        run = size
        while dims and dims[0][0] <= run:
            stride, count = dims.pop(0)
            run += (count - 1) * stride
        return cls(start, extent, tuple((count, stride) for stride, count in reversed(dims)), run)

    def holds(self, offsets: np.ndarray, size: int) -> np.ndarray:
        """Which accesses of `size` bytes at `offsets` (int64, within the extent) lie in no gap."""
        rest = offsets
        for count, stride in self.runs:
            rest = rest - np.minimum(rest // stride, count - 1) * stride
        return (rest >= 0) & (rest + size <= self.run_bytes)

    def contains(self, other: "Layout") -> bool:
        """Whether the first and the last byte of `other` are bytes of this layout."""
        first = other.start - self.start
        last = first + max(other.extent, 1) - 1
        if first < 0 or last >= self.extent:
            return False
        return bool(self.holds(np.array([first, last]), 1).all())

    def overlaps(self, other: "Layout") -> bool:
        """Whether the two extents have a byte in common."""
        return self.start < other.start + other.extent and other.start < self.start + self.extent


@dataclass(eq=False)
class Region:
    """A tensor argument of a launch.

    `protected` are the layouts of read-only tensors that it overlaps; `read_only` says that all of it is one.
    """

    name: str
    number: int
    layout: Layout
    read_only: bool = False
    protected: tuple[tuple[str, Layout], ...] = ()
    bytes_read: int = 0
    bytes_written: int = 0
    _words: dict[int, tuple[int, np.ndarray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start = self.layout.start
        self.extent = self.layout.extent
        self.end = self.start + self.extent

    def words(self, size: int) -> tuple[int, np.ndarray]:
        """The memory as unsigned words of `size` bytes, and the aligned address where the array begins.

        The first and last word may stick out of the region; only checked accesses may use the array.
        """
        known = self._words.get(size)
        if known is None:
            begin = self.start - self.start % size
            count = -(-(self.end - begin) // size)
            memory: Any = (ctypes.c_ubyte * (count * size)).from_address(begin)
            known = self._words[size] = (begin, np.frombuffer(memory, dtype=_NP_WORDS[size]))
        return known


class RegionTable:
    """The regions of one launch, found by number or by address."""

    def __init__(self, read_only: Mapping[str, torch.Tensor]) -> None:
        self._read_only = [(name, Layout.of(tensor)) for name, tensor in read_only.items()]
        self.regions: list[Region] = []
        for name, layout in self._read_only:
            self._append(Region(name, len(self.regions), layout, read_only=True))

    def _append(self, region: Region) -> Region:
        self.regions.append(region)
        return region

    def add(self, parameter: str, tensor: torch.Tensor) -> Region:
        """The region of a launch argument, named as the caller names the memory, else after the parameter."""
        layout = Layout.of(tensor)
        for name, named in self._read_only:
            if named.contains(layout):
                return self._append(Region(name, len(self.regions), layout, read_only=True))
        protected = tuple((name, named) for name, named in self._read_only if named.overlaps(layout))
        return self._append(Region(parameter.removesuffix("_ptr"), len(self.regions), layout, protected=protected))

    @property
    def bytes_written(self) -> int:
        """Bytes written to all regions so far."""
        return sum(region.bytes_written for region in self.regions)

    def numbers_at(self, addresses: np.ndarray) -> np.ndarray:
        """The number of the region that each address lies in, -1 for none; later arguments win."""
        numbers = np.full(addresses.shape, -1, dtype=np.int64)
        for region in self.regions:
            inside = (addresses >= np.uint64(region.start)) & (addresses < np.uint64(region.end))
            numbers[inside] = region.number
        return numbers
