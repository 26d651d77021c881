"""All families of cases, in the order in which they are reported."""

from tests.cases import (
    bad_arguments,
    batches,
    bit_patterns,
    crossed,
    disagreement,
    geometries,
    growth,
    invalid_pages,
    lengths,
    logits,
    pools,
    seeds,
    state,
    tables,
    workloads,
)
from tests.cases.case import Case, Question
from tests.cases.moved import PRODUCTION, Geometry, moved

FAMILIES = (
    lengths,
    batches,
    tables,
    bit_patterns,
    geometries,
    invalid_pages,
    pools,
    disagreement,
    bad_arguments,
    growth,
    state,
    workloads,
    logits,
    crossed,
    seeds,
)

QUESTIONS: dict[str, Question] = {
    module.__name__.rpartition(".")[2].replace("_", "-"): module.QUESTION for module in FAMILIES
}
"""The question that each family asks, by the family's name."""


def catalogue(
    seeds_from: int = 0, seed_count: int = seeds.DEFAULT_COUNT, geometry: Geometry = PRODUCTION
) -> list[Case]:
    """Return every case, with `seed_count` random ones drawn from the seeds `seeds_from`, `seeds_from + 1`, ...

    What a case does not say of its pages is as in `geometry`.
    """
    cases = [case for module in FAMILIES if module is not seeds for case in module.CASES]
    return [moved(case, geometry) for case in cases + seeds.random_cases(seeds_from, seed_count)]
