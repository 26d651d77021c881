"""pytest's fixtures: what a test of the suite asks for."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.plugin import containment, reporting
from tests.plugin.examiner import Examiner


@pytest.fixture(scope="session")
def examiner(request: pytest.FixtureRequest) -> Iterator[Examiner]:
    """Examines the chosen implementation on the chosen device."""
    with Examiner.of_run(request.config, containment.trace_of(request.config)) as examiner:
        yield examiner


@pytest.fixture
def examine(request: pytest.FixtureRequest, examiner: Examiner) -> Callable[[Any], None]:
    """Examine a case, and fail the test with what was found."""
    return lambda case: examiner.expect_no_findings(case, request.node)


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> str:
    """`cuda`, or `cpu` where kernels run on Triton's interpreter."""
    return request.config.stash[reporting.DEVICE]
