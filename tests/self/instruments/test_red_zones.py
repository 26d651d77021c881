"""Do red zones tell what was written to them, in whatever mode a call allocates?"""

import ctypes

import pytest
import torch

from tests.calls.fetching import Fetch
from tests.instruments.red_zones import RedZonedMemory


@pytest.mark.parametrize("inference", [False, True])
def test_damage_is_told_once_and_mended(inference):
    memory = RedZonedMemory()
    with torch.inference_mode(inference):
        held = memory.allocate("K", 64, torch.device("cpu"))
    beyond = torch.frombuffer((ctypes.c_uint8 * 2).from_address(held.data_ptr() + 64), dtype=torch.uint8)
    beyond[1] = 7
    assert memory.damage(Fetch())() == ["1 byte was written after K, the nearest 2 from its edge"]
    assert memory.damage(Fetch())() == []
    assert int(beyond[1]) != 7
