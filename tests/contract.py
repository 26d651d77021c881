"""The rules that findings cite, and the three levels of promise an implementation can make."""

from enum import IntEnum


class Contract(IntEnum):
    """What an implementation promises; each level holds the one before it."""

    TRUSTING = 1
    """Right on good input: what production kernels promise today."""
    SAFE = 2
    """Bad input does no harm."""
    STRICT = 3
    """Its behaviour on the machine is part of the promise."""

    @property
    def label(self) -> str:
        """The level's name on the command line."""
        return self.name.lower()

    def holds(self, rule: int) -> bool:
        """Whether the level promises a rule."""
        return level_of(rule) <= self


RULES: dict[int, tuple[Contract, str]] = {
    1: (Contract.TRUSTING, "every byte is right, bit for bit"),
    2: (Contract.TRUSTING, "get_k and get_s return what get_k_and_s returns"),
    3: (Contract.TRUSTING, "int32 and int64 page tables and lengths"),
    4: (Contract.TRUSTING, "any lengths and batches, shared and repeated pages"),
    5: (Contract.TRUSTING, "table entries past a sequence's last page are never used"),
    6: (Contract.TRUSTING, "results are new, contiguous uint8 memory of their own"),
    7: (Contract.TRUSTING, "no argument is written to, no state survives a call"),
    8: (Contract.TRUSTING, "the same call gives the same bytes, each written once"),
    9: (Contract.SAFE, "other geometries: right, or ValueError"),
    10: (Contract.SAFE, "strides and offsets: right, or ValueError"),
    11: (Contract.SAFE, "invalid pages: no access outside buf, rows of zeros"),
    12: (Contract.SAFE, "addresses never wrap"),
    13: (Contract.SAFE, "host and device disagree: no access outside"),
    14: (Contract.SAFE, "bad arguments raise, naming the argument"),
    15: (Contract.SAFE, "nothing depends on undefined lanes or memory"),
    16: (Contract.STRICT, "one kernel launch a call, none when empty"),
    17: (Contract.STRICT, "no synchronisation; captured and replayed in a CUDA graph"),
    18: (Contract.STRICT, "compiled variants do not grow with sizes"),
    19: (Contract.STRICT, "each needed byte is read once, each result byte written once"),
    20: (Contract.TRUSTING, "every variant that a call asks for compiles, also where the grid is empty"),
}
"""Level and short text of each rule, by its number in the contract."""


def level_of(rule: int) -> Contract:
    """Return the lowest level that promises a rule."""
    return RULES[rule][0]
