"""Marks that travel with the values of a kernel, a lane at a time.

A taint is an int32 array of the shape of the values it marks: 0 is clean, other numbers name a `Source`.
When two marked values meet, the larger number wins, so the ranges below are in order of precedence: a value
that is not defined at all need not also be blamed for wrapping.
"""

from typing import NamedTuple

import numpy as np

from . import kinds
from .source import Line

# First id of each kind's range.
HINT_IDS = 1
WRAP_IDS = 1 << 16
UNDEFINED_IDS = 1 << 20
# What a load that was reported and not carried out gave: its consequences are not reported again.
REPORTED = 1 << 24

_FIRST_ID = {kinds.HINT: HINT_IDS, kinds.WRAP: WRAP_IDS, kinds.UNDEFINED: UNDEFINED_IDS}


class Source(NamedTuple):
    """Where a mark comes from, and in the user's words, what happened there."""

    kind: str
    where: Line
    detail: str


class TaintTable:
    """Numbers the sources of marks; one place in a kernel is one source."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, Line], int] = {}
        self._sources: dict[int, Source] = {}
        self._next = dict(_FIRST_ID)

    def number(self, kind: str, where: Line, detail: str) -> int:
        """The id of the source at `where`, new if that place had none."""
        key = (kind, where)
        known = self._ids.get(key)
        if known is None:
            known = self._ids[key] = self._next[kind]
            self._next[kind] += 1
            self._sources[known] = Source(kind, where, detail)
        return known

    def source(self, number: int) -> Source:
        """The source that `number` names."""
        return self._sources[number]


def undefined_lanes(taint: np.ndarray) -> np.ndarray:
    """Which lanes are undefined, leaving out those already reported."""
    return (taint >= UNDEFINED_IDS) & (taint < REPORTED)
