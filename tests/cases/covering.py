"""Few rows in which each value of each factor meets each value of every other."""

import random
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

Row = dict[str, Any]
TRIES = 20
"""Rows that are drawn for one that is taken: that which has the most new pairs."""


def pairs_of(row: Row) -> set[tuple[Any, ...]]:
    """Return the pairs of values that meet in a row."""
    return {(a, row[a], b, row[b]) for a, b in combinations(sorted(row), 2)}


def all_pairs(factors: Mapping[str, Sequence[Any]]) -> set[tuple[Any, ...]]:
    """Return every pair of values of two factors."""
    return {
        (a, of_a, b, of_b)
        for a, b in combinations(sorted(factors), 2)
        for of_a, of_b in product(factors[a], factors[b])
    }


def covering(factors: Mapping[str, Sequence[Any]]) -> list[Row]:
    """Return rows that cover all pairs, always the same.

    Args:
        factors: the values of each factor, which are hashable, by its name.
    """
    draw, left, rows = random.Random(0), all_pairs(factors), list[Row]()
    in_order = sorted(left, key=repr)
    while left:
        a, of_a, b, of_b = next(pair for pair in in_order if pair in left)
        drawn = [
            {**{name: draw.choice(values) for name, values in factors.items()}, a: of_a, b: of_b} for _ in range(TRIES)
        ]
        rows.append(max(drawn, key=lambda row: len(pairs_of(row) & left)))
        left -= pairs_of(rows[-1])
    return rows
