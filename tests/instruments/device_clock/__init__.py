"""The clock of everything that is said about speed: seconds of the GPU and of the host that a call takes.

Device time comes from CUDA graphs of many calls, with cold L2; host time from a loop that does not wait for the GPU.
Sides that are compared are measured in turn, in one process, over the same memory.
"""

from tests.instruments.device_clock.graphs import GraphClock, HostTooSlow, NotCapturable
from tests.instruments.device_clock.host import host_seconds
from tests.instruments.device_clock.placement import Placement
from tests.instruments.device_clock.side import Side, copy_side, empty_side, gather_side

__all__ = [
    "GraphClock",
    "HostTooSlow",
    "NotCapturable",
    "Placement",
    "Side",
    "copy_side",
    "empty_side",
    "gather_side",
    "host_seconds",
]
