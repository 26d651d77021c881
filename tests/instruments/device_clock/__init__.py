"""The clock of everything that is said about speed: seconds of the GPU and of the host that a call takes.

Device time comes from CUDA graphs of many calls, with cold L2; host time from a loop that does not wait for the GPU.
Sides that are compared are measured in turn, in one process, over the same memory.
"""

from tests.instruments.device_clock.graphs import GraphClock, HostTooSlow, NotCapturable
from tests.instruments.device_clock.host import host_seconds, waiting_seconds
from tests.instruments.device_clock.in_place import LAYERS, Neighbours
from tests.instruments.device_clock.placement import Placement
from tests.instruments.device_clock.side import Side, copy_side, empty_side, gather_side
from tests.instruments.device_clock.turns import REPLAYS, blocks, replayed, there_and_back

__all__ = [
    "LAYERS",
    "REPLAYS",
    "GraphClock",
    "HostTooSlow",
    "Neighbours",
    "NotCapturable",
    "Placement",
    "Side",
    "blocks",
    "copy_side",
    "empty_side",
    "gather_side",
    "host_seconds",
    "replayed",
    "there_and_back",
    "waiting_seconds",
]
