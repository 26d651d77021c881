"""Which cases are worth a sanitizer's time: small ones, of every family that launches kernels."""

from collections.abc import Sequence
from fnmatch import fnmatch

from tests.cases.case import Case
from tests.cases.catalogue import catalogue

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


def chosen_cases(patterns: Sequence[str] = CHOSEN) -> list[Case]:
    """Return the cases that match, but for those whose calls launch nothing."""
    return [case for case in catalogue() if case.bad is None and any(fnmatch(case.id, pattern) for pattern in patterns)]


def cases_by_id(ids: Sequence[str]) -> list[Case]:
    """Return the cases of the given ids, in their order.

    Raises:
        ValueError: there is no such case.
    """
    known = {case.id: case for case in catalogue()}
    unknown = [name for name in ids if name not in known]
    if unknown:
        raise ValueError(f"cases: expected ids of the catalogue, got {unknown[0]!r}")
    return [known[name] for name in ids]
