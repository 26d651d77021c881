"""Memory that ends, or begins, at an unmapped page: one byte past that edge ends the kernel that touches it.

The GPU's own page tables do the checking, so kernels run compiled and at full speed. What lies inside the mapping
beside an allocation is red zone. A page is 2 MiB, so each allocation lives in a slot of whole pages, which lies alone
in a stretch of unmapped addresses and is used again by later cases.
"""

from tests.instruments.fenced_memory.memory import Fence, FencedMemory
from tests.instruments.fenced_memory.slots import Mapping, OutOfVirtualMemory, SlotPool, VirtualMemory

__all__ = ["Fence", "FencedMemory", "Mapping", "OutOfVirtualMemory", "SlotPool", "VirtualMemory"]
