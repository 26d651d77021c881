"""What looks, by what it can see: switched off, it sees none of these."""

from collections.abc import Mapping

from tests.examine.blame import Seen

INSTRUMENTS: Mapping[str, tuple[Seen, ...]] = {
    "rows": (
        Seen.WRONG_ROW,
        Seen.ROW_OF_INVALID_PAGE,
        Seen.ROW_FROM_WRAPPED_ADDRESS,
        Seen.ROW_FROM_EARLIER_CALL,
        Seen.OTHER_ROW_AGAIN,
        Seen.OTHER_ROW_ALONE,
        Seen.UNRELATED,
    ),
    "bounds": (Seen.READ_OUTSIDE, Seen.WRITE_OUTSIDE, Seen.WRITE_GAP, Seen.READ_ONLY_WRITE, Seen.GRID),
    "hardware": (Seen.ALIGNMENT, Seen.DESCRIPTOR, Seen.HINT),
    "wraps": (Seen.WRAP,),
    "races": (Seen.RACE,),
    "undefined lanes": (Seen.UNDEFINED,),
    "results": (Seen.RESULT, Seen.RESULT_CHANGED),
    "arguments": (Seen.ARGUMENT_CHANGED,),
    "state": (Seen.STATE,),
    "errors": (Seen.RAISED, Seen.RAISED_OUT_OF_BOUNDS, Seen.CRASHED),
    "refusals": (Seen.NOT_REFUSED,),
    "compiler": (Seen.NOT_COMPILED,),
    "launches": (Seen.LAUNCHES,),
    "waits": (Seen.WAITED,),
    "variants": (Seen.VARIANTS,),
    "traffic": (Seen.TRAFFIC,),
    "logits": (Seen.OTHER_LOGITS,),
    "fences": (Seen.DEVICE_LOST,),
    "graphs and streams": (Seen.NOT_CAPTURED, Seen.WRONG_REPLAY, Seen.WRONG_STREAM),
}
NEED_GPU = ("fences", "graphs and streams")
_BY_SEEN = {seen.value: name for name, all_seen in INSTRUMENTS.items() for seen in all_seen}


def instrument_of(seen: str) -> str:
    """Return which one saw it; an end of the process counts as an error."""
    return _BY_SEEN.get(seen, "errors")
