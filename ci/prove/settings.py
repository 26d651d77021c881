"""The settings in which an implementation is proved."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from ci.prove.options import DTYPES, PRODUCTION
from tests.cases.catalogue import catalogue


def settings(everywhere: bool, named: Mapping[str, Any] = PRODUCTION) -> list[dict[str, Any]]:
    """Return what is named first; with `everywhere`, then other dtypes, and the catalogue's geometries.

    Each geometry is asked about with page numbers of both dtypes: a launcher may have a way for just one of them.
    """
    found = [dict(named)]
    if everywhere:
        for table, lengths in product(DTYPES, repeat=2):
            found.append({**named, "table_dtype": table, "lens_dtype": lengths})
        found.append({**named, "misaligned": 4})
        found.append({**named, "misaligned": 1})
        geometries = {(case.page_size, case.index_head_dim) for case in catalogue(seed_count=0) if case.bad is None}
        found += [
            {**named, "page_size": page, "index_head_dim": head, "table_dtype": table}
            for table in DTYPES
            for page, head in sorted(geometries)
        ]
    return [setting for place, setting in enumerate(found) if setting not in found[:place]]
