"""The kinds of violation. Data only."""

from types import MappingProxyType

READ_OUTSIDE = "read outside"
WRITE_OUTSIDE = "write outside"
WRITE_GAP = "write into gap"
READ_ONLY_WRITE = "read-only write"
UNDEFINED = "undefined value"
WRAP = "integer wrap"
RACE = "race"
ALIGNMENT = "alignment"
GRID = "grid limit"
DESCRIPTOR = "tensor descriptor"
HINT = "false hint"

REFUSED_BYTE = 0xDB
"""What each byte of a refused load holds."""

# CUDA's limits of a grid, by axis.
GRID_LIMITS = MappingProxyType({"x": 2**31 - 1, "y": 65_535, "z": 65_535})
