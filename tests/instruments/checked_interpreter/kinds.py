"""The kinds of violation, and the rule of the contract each one breaks. Data only."""

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

# A misaligned access, a descriptor that the hardware refuses and a grid past its limits all stop the launch,
# so that lengths and batches which rule 4 allows fail. A false hint licenses the compiler to load other lanes
# than the kernel asked for, which nothing defines (rule 15).
RULES = MappingProxyType(
    {
        READ_OUTSIDE: 11,
        WRITE_OUTSIDE: 7,
        WRITE_GAP: 7,
        READ_ONLY_WRITE: 7,
        UNDEFINED: 15,
        WRAP: 12,
        RACE: 8,
        ALIGNMENT: 4,
        GRID: 4,
        DESCRIPTOR: 4,
        HINT: 15,
    }
)

# CUDA's limits of a grid, by axis.
GRID_LIMITS = MappingProxyType({"x": 2**31 - 1, "y": 65_535, "z": 65_535})
# A launch past a grid limit is still interpreted, for its other findings, up to this many programs.
MAX_PROGRAMS_PAST_LIMIT = 2**22
