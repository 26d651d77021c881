"""Which rule of the contract is broken by what was seen. Nothing else decides that.

Instruments and comparisons tell what they saw. What that breaks depends on the case: the same read outside a tensor is
rule 11 where a page number is invalid, and rule 10 where a stride is unusual.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from tests.contract import Rule


class Seen(Enum):
    """Something that a call must not do, or a result must not be. What the interpreter's checker sees bears the
    checker's name of it, `tests.instruments.checked_interpreter.kinds`."""

    WRONG_ROW = "wrong row"
    ROW_OF_INVALID_PAGE = "row of an invalid page not zero"
    ROW_FROM_WRAPPED_ADDRESS = "row from where a wrapped address leads"
    ROW_FROM_EARLIER_CALL = "row of an earlier call"
    OTHER_ROW_AGAIN = "other rows from the same call"
    OTHER_ROW_ALONE = "other rows from get_k or get_s alone"

    UNRELATED = "other rows from a call that means the same"

    OTHER_LOGITS = "other logits"

    RESULT = "result not as promised"
    RESULT_CHANGED = "earlier result changed"
    ARGUMENT_CHANGED = "argument written to"
    STATE = "state outlives the call"

    READ_OUTSIDE = "read outside"
    WRITE_OUTSIDE = "write outside"
    WRITE_GAP = "write into gap"
    READ_ONLY_WRITE = "read-only write"
    ALIGNMENT = "alignment"
    DESCRIPTOR = "tensor descriptor"
    GRID = "grid limit"
    WRAP = "integer wrap"
    RACE = "race"
    UNDEFINED = "undefined value"
    HINT = "false hint"

    RAISED = "raised"
    RAISED_OUT_OF_BOUNDS = "raised an index error"
    CRASHED = "process ended"
    DEVICE_LOST = "GPU lost"
    NOT_COMPILED = "does not compile"
    NOT_REFUSED = "not refused"

    LAUNCHES = "launches"
    WAITED = "waited for the device"
    NOT_CAPTURED = "not captured in a graph"
    WRONG_REPLAY = "wrong in a replayed graph"
    WRONG_STREAM = "wrong on another stream"
    VARIANTS = "compiled variants grow"
    TRAFFIC = "needless traffic"


@dataclass(frozen=True)
class _Blame:
    """How the rule is found: the first of `special` that the case is about, or else `rule`, or else the first that the
    case is about and that is none of `never`."""

    special: tuple[Rule, ...] = ()
    rule: Rule | None = None
    never: Collection[Rule] = ()


_BAD_INPUT = (Rule.INVALID_PAGES, Rule.DISAGREEMENT)
_UNUSUAL = (Rule.STRIDES, Rule.GEOMETRIES)
_OF_ANY_CALL = (Rule.BYTES, Rule.LENGTHS)

_BLAME = {
    # Rows of valid pages are not what rule 11 is about, and a size is to blame only where nothing else is unusual.
    Seen.WRONG_ROW: _Blame(never=(Rule.INVALID_PAGES, Rule.BIG_ADDRESSES)),
    Seen.UNRELATED: _Blame(never=(Rule.INVALID_PAGES, Rule.BIG_ADDRESSES)),
    Seen.ROW_OF_INVALID_PAGE: _Blame(rule=Rule.INVALID_PAGES),
    Seen.ROW_FROM_WRAPPED_ADDRESS: _Blame(rule=Rule.BIG_ADDRESSES),
    Seen.ROW_FROM_EARLIER_CALL: _Blame(rule=Rule.STATE),
    Seen.OTHER_ROW_AGAIN: _Blame(rule=Rule.SAME_BYTES),
    Seen.OTHER_ROW_ALONE: _Blame(rule=Rule.PARTS),
    Seen.OTHER_LOGITS: _Blame(rule=Rule.BYTES),
    # A shape that follows the device's lengths is a belief in the device.
    Seen.RESULT: _Blame((Rule.DISAGREEMENT,), Rule.RESULTS),
    Seen.RESULT_CHANGED: _Blame(rule=Rule.STATE),
    Seen.ARGUMENT_CHANGED: _Blame(rule=Rule.STATE),
    Seen.STATE: _Blame(rule=Rule.STATE),
    # No wrap was seen: a size is to blame where nothing else is unusual.
    Seen.READ_OUTSIDE: _Blame((*_BAD_INPUT, *_UNUSUAL)),
    # On good input, memory that is none of the call's own was changed.
    Seen.WRITE_OUTSIDE: _Blame((*_BAD_INPUT, *_UNUSUAL, Rule.BIG_ADDRESSES), Rule.STATE),
    Seen.WRITE_GAP: _Blame(rule=Rule.STATE),
    Seen.READ_ONLY_WRITE: _Blame(rule=Rule.STATE),
    # The hardware refuses such a launch, on input that the case's rule allows.
    Seen.ALIGNMENT: _Blame((*_BAD_INPUT, *_UNUSUAL)),
    Seen.DESCRIPTOR: _Blame((*_BAD_INPUT, *_UNUSUAL)),
    Seen.GRID: _Blame(_BAD_INPUT),
    # Lengths that nobody can have may wrap, as long as nothing outside is touched. Where no size is large, numbers that
    # nobody checked, or that stand elsewhere, have wrapped.
    Seen.WRAP: _Blame((Rule.DISAGREEMENT, Rule.BIG_ADDRESSES, Rule.INVALID_PAGES, Rule.STRIDES), Rule.BIG_ADDRESSES),
    Seen.RACE: _Blame(rule=Rule.SAME_BYTES),
    Seen.UNDEFINED: _Blame(rule=Rule.UNDEFINED),
    # A false hint lets the compiler load other lanes than the kernel asked for, which nothing defines.
    Seen.HINT: _Blame(rule=Rule.UNDEFINED),
    Seen.RAISED: _Blame(_UNUSUAL),
    # An index error is a wild access that was prevented.
    Seen.RAISED_OUT_OF_BOUNDS: _Blame((*_BAD_INPUT, *_UNUSUAL)),
    # Nobody knows where a wild access went: of all that is unusual about the case, the worst is to blame.
    Seen.CRASHED: _Blame((*_BAD_INPUT, Rule.BIG_ADDRESSES, *_UNUSUAL)),
    Seen.DEVICE_LOST: _Blame((*_BAD_INPUT, Rule.BIG_ADDRESSES, *_UNUSUAL)),
    Seen.NOT_COMPILED: _Blame(rule=Rule.COMPILES),
    Seen.NOT_REFUSED: _Blame(rule=Rule.BAD_ARGUMENTS),
    Seen.LAUNCHES: _Blame(rule=Rule.LAUNCHES),
    Seen.WAITED: _Blame(rule=Rule.NO_WAITING),
    Seen.NOT_CAPTURED: _Blame(rule=Rule.NO_WAITING),
    Seen.WRONG_REPLAY: _Blame(rule=Rule.NO_WAITING),
    Seen.WRONG_STREAM: _Blame(rule=Rule.NO_WAITING),
    Seen.VARIANTS: _Blame(rule=Rule.VARIANTS),
    Seen.TRAFFIC: _Blame(rule=Rule.TRAFFIC),
}


def rule_of(seen: Seen, about: Sequence[int]) -> Rule:
    """Return the rule that is broken.

    Args:
        seen: what was seen.
        about: the rules that the case bears on, `Case.rules`.
    """
    blame = _BLAME[seen]
    for rule in blame.special:
        if rule in about:
            return rule
    if blame.rule is not None:
        return blame.rule
    is_big = Rule.BIG_ADDRESSES in about and Rule.BIG_ADDRESSES in blame.never
    # Any call has bytes and lengths: of a big one, its size is to blame before these.
    usual = [rule for rule in about if rule not in blame.never and not (is_big and rule in _OF_ANY_CALL)]
    if usual:
        return Rule(usual[0])
    return Rule.BIG_ADDRESSES if Rule.BIG_ADDRESSES in about else Rule.BYTES
