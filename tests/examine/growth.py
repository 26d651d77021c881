"""Rule 18: requests that grow in one quantity must not compile more and more."""

from collections.abc import Callable
from typing import Any

import torch

from tests.cases.case import Case
from tests.cases.growth import doubling_requests, most_variants
from tests.examine.blame import Seen
from tests.examine.finding import Findings
from tests.instruments.cost.trace import variants_of_requests, what_differs


def examine_growth(call: Callable[..., Any], case: Case, device: torch.device, findings: Findings) -> None:
    """Make the requests of a case that grows, and note if what they compile grows with them."""
    assert case.grows is not None
    requests = list(doubling_requests(case.grows, case))
    variants = variants_of_requests(call, requests, device)
    most = most_variants(case.grows)
    if len(variants) > most:
        grown = case.grows.replace("_", " ")
        findings.add(
            Seen.VARIANTS,
            f"{len(requests)} requests whose {grown} double compiled {len(variants)} variants, should be at most "
            f"{most}; they differ in {what_differs(variants)}",
            variants=len(variants),
        )
