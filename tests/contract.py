"""The rules that findings cite, and the three levels of promise an implementation can make."""

from enum import IntEnum
from typing import Self


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

    def holds(self, rule: "Rule") -> bool:
        """Whether the level promises a rule."""
        return rule.level <= self

    @property
    def not_held(self) -> "list[Rule]":
        """The rules that the level does not promise."""
        return [rule for rule in Rule if not self.holds(rule)]


class Rule(IntEnum):
    """A rule of the contract. Its value is its number there, which users read."""

    level: Contract
    """The lowest level that promises it."""
    text: str
    """The rule in a few words."""

    def __new__(cls, number: int, level: Contract = Contract.TRUSTING, text: str = "") -> Self:
        """Make the rule of one row of the table below; `Rule(4)` looks one up."""
        rule = int.__new__(cls, number)
        rule._value_ = number
        rule.level = level
        rule.text = text
        return rule

    BYTES = 1, Contract.TRUSTING, "every byte is right, bit for bit"
    PARTS = 2, Contract.TRUSTING, "get_k and get_s return what get_k_and_s returns"
    INDEX_DTYPES = 3, Contract.TRUSTING, "int32 and int64 page tables and lengths"
    LENGTHS = 4, Contract.TRUSTING, "any lengths and batches, shared and repeated pages"
    TABLE_TAIL = 5, Contract.TRUSTING, "table entries past a sequence's last page are never used"
    RESULTS = 6, Contract.TRUSTING, "results are new, contiguous uint8 memory of their own"
    STATE = 7, Contract.TRUSTING, "no argument is written to, no state survives a call"
    SAME_BYTES = 8, Contract.TRUSTING, "the same call gives the same bytes, each written once"
    GEOMETRIES = 9, Contract.SAFE, "other geometries: right, or ValueError"
    STRIDES = 10, Contract.SAFE, "strides and offsets: right, or ValueError"
    INVALID_PAGES = 11, Contract.SAFE, "invalid pages: no access outside buf, rows of zeros"
    BIG_ADDRESSES = 12, Contract.TRUSTING, "addresses never wrap"
    DISAGREEMENT = 13, Contract.SAFE, "host and device disagree: no access outside"
    BAD_ARGUMENTS = 14, Contract.SAFE, "bad arguments raise, naming the argument"
    UNDEFINED = 15, Contract.SAFE, "nothing depends on undefined lanes or memory"
    LAUNCHES = 16, Contract.STRICT, "one kernel launch a call, none when empty"
    NO_WAITING = 17, Contract.STRICT, "no synchronisation; captured and replayed in a CUDA graph"
    VARIANTS = 18, Contract.STRICT, "compiled variants do not grow with sizes"
    TRAFFIC = 19, Contract.STRICT, "each needed byte is read once, each result byte written once"
    COMPILES = 20, Contract.TRUSTING, "every variant that a call asks for compiles"
