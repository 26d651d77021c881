"""What tests of proofs share."""

import pytest

from tests.instruments.proof.kept import KEPT, Store


@pytest.fixture
def nothing_kept():
    """Have nothing found out before, and keep it no longer than the test."""
    token = KEPT.set(Store())
    yield
    KEPT.reset(token)
