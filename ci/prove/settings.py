"""The settings in which an implementation is proved."""

from itertools import product
from typing import Any

from tests.cases.catalogue import catalogue


def settings(everywhere: bool) -> list[dict[str, Any]]:
    """Return production's setting first; with `everywhere`, then its other dtypes, and the catalogue's geometries."""
    production = {"page_size": 64, "index_head_dim": 128, "table_dtype": "int32", "lens_dtype": "int64"}
    found = [production]
    if everywhere:
        for table, lengths in product(("int32", "int64"), repeat=2):
            found.append({**production, "table_dtype": table, "lens_dtype": lengths})
        found.append({**production, "misaligned": 4})
        found.append({**production, "misaligned": 1})
        geometries = {(case.page_size, case.index_head_dim) for case in catalogue(seed_count=0) if case.bad is None}
        found += [{**production, "page_size": page, "index_head_dim": head} for page, head in sorted(geometries)]
    return [setting for place, setting in enumerate(found) if setting not in found[:place]]
