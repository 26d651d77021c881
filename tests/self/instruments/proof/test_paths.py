"""Ways through the host's code: what decides, and what is known of addresses."""

from collections.abc import Callable
from importlib.util import find_spec

import pytest

if find_spec("z3") is None:
    pytest.skip("z3 is not installed: pip install -e '.[prove]'", allow_module_level=True)

from tests.calls.implementations import Implementation
from tests.instruments.proof.capture import Setting
from tests.instruments.proof.paths import HostPaths, host_paths

pytestmark = pytest.mark.usefixtures("nothing_kept")


def ways_of(function: Callable[..., None], misaligned: int = 0) -> HostPaths:
    implementation = Implementation("mine", {"get_k": function})
    return host_paths(implementation, "get_k", Setting(misaligned=misaligned), lambda count: None, 20)


def by_distance(buf, page_indices, *rest):
    if page_indices.data_ptr() - buf.data_ptr() == 4096:
        raise ValueError("buf: expected it elsewhere")


def by_tables_address(buf, page_indices, *rest):
    if page_indices.data_ptr() > 1 << 30:
        raise ValueError("page_indices: expected them elsewhere")


@pytest.mark.parametrize("function", [by_distance, by_tables_address])
def test_what_is_decided_by_where_tensors_lie_has_no_model(function):
    ways = ways_of(function)
    assert not ways.is_complete
    assert sum(ways.unmodelled.values()) == ways.paths > 0
    assert "addresses" in next(iter(ways.unmodelled))


def by_alignment(buf, page_indices, *rest):
    if buf.data_ptr() % 16 or buf.data_ptr() & 15 or (buf.data_ptr() | page_indices.data_ptr()) % 16:
        raise ValueError("buf: expected 16 bytes of alignment")


@pytest.mark.parametrize("misaligned", [0, 4])
def test_what_is_decided_by_alignment_is_known(misaligned):
    ways = ways_of(by_alignment, misaligned)
    assert ways.is_complete
    assert (ways.paths, ways.refused, ways.unmodelled) == (1, misaligned // 4, {})


def by_bits(buf, page_indices, *rest):
    if (buf.stride(0) | 1) == 4097:
        raise ValueError("buf: expected another stride")


def test_a_way_that_no_numbers_were_found_for_is_told():
    assert ways_of(by_bits).open_branches
