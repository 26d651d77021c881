"""Which cases are worth a sanitizer's time: small ones, of every family that launches kernels."""

from dataclasses import replace

from tests.cases.case import Case
from tests.examine import choice
from tests.examine.selection import Selection

CHOSEN = (
    "lengths/boundaries-together",
    "batches/[138]",
    "batches/33",
    "tables/int*",
    "tables/tail-huge",
    "tables/no-spare-column",
    "tables/last-page",
    "tables/transposed",
    "tables/lens-offset-int32-one",
    "bit-patterns/every-byte-odd-base",
    "geometries/page-1",
    "geometries/page-48",
    "invalid-pages/*-middle",
    "invalid-pages/2-32-plus-3-int64",
    "invalid-pages/wraps-64-bits-int64",
    "invalid-pages/mixed",
    "pools/offset-1",
    "pools/row-gap-1",
    "disagreement/device-larger-by-*",
    "disagreement/device-past-the-table",
    "disagreement/device-huge*",
    "disagreement/device-negative",
    "disagreement/device-all-empty",
    "disagreement/sum-too-*-by-one",
    "disagreement/max-zero",
    "seeds/seed-[0-3]",
)
"""Patterns of case ids."""


def chosen_cases(selection: Selection) -> list[Case]:
    """Return the cases that a selection chooses, and of `CHOSEN` where it has no patterns.

    Those whose calls launch nothing are left out.

    Raises:
        NoSuchCase: a pattern matches none.
    """
    chosen = choice.chosen_cases(replace(selection, patterns=selection.patterns or CHOSEN))
    return [case for case in chosen if case.bad is None]
