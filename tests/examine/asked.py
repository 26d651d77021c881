"""What a gather of another signature can be asked: a case whose point its adapter does not hand on shows nothing.

Such a case is not examined, with the reason. It would be the adapter's casts, slots and refusals that are looked at.
"""

from kernels.peers.foreign import Foreign
from kernels.peers.words import arguments_behind
from tests.calls.errors import Foreseen
from tests.cases.case import Case
from tests.contract import Rule

_INT32, _INT64 = 2**31, 2**63
_TABLES = ("page_indices", "pages_of_sequence")


class NotAsked(Foreseen):
    """A case shows nothing about what is behind an adapter; says why."""


def require_asked(foreign: Foreign, case: Case) -> None:
    """Check that the point of a case reaches the other function.

    Raises:
        NotAsked: it does not.
    """
    for why in (_bad, _disagreement, _entries, _layouts, _pool):
        if told := why(foreign, case):
            raise NotAsked(f"not asked: {foreign.name} {told}")


def _bad(foreign: Foreign, case: Case) -> str | None:
    spoilt = case.bad.names[0] if case.bad else None
    if spoilt is None or foreign.hands_on_as_it_is(spoilt):
        return None
    return f"is not given {spoilt} as it is, so that it cannot refuse a bad one"


def _disagreement(foreign: Foreign, case: Case) -> str | None:
    if not case.rows_are_open:
        return None
    if foreign.one_sequence:
        return "is called for one sequence with a length of the host's"
    on_device = any(word.partition(":")[0] in ("seq_lens", "cu_seq_lens", "first_rows") for word in foreign.words)
    if case.device_seq_lens is not None:
        return None if on_device else "is given no lengths of the device's"
    wrong = "seq_len_sum" if case.seq_len_sum_error else "max_seq_len"
    reached = foreign.hands_on(wrong) and (on_device or wrong in foreign.words)
    return None if reached else f"is not given {wrong}"


def _entries(foreign: Foreign, case: Case) -> str | None:
    """Return why a page number of the case does not reach it: the adapter's arithmetic would change it."""
    for word in foreign.words:
        if "page_indices" not in arguments_behind(word):
            continue
        base, casts = word.partition(":")[0], word.split(":")[1:]
        factor = 1 if base in _TABLES else case.page_bytes if base.endswith("_bytes") else case.page_size
        most = _INT32 if "int32" in casts else _INT64
        if any(not -most <= page * factor < most for page in case.page_at.values()):
            return f"is given {word}, which cannot hold such a page"
    return None


def _layouts(foreign: Foreign, case: Case) -> str | None:
    """Return why the case's dtypes and strides do not reach it, if these are all that the case is about."""
    if case.rules[0] not in (Rule.INDEX_DTYPES, Rule.STRIDES, Rule.TABLE_TAIL):
        return None
    table = any(word.partition(":")[0] in _TABLES for word in foreign.words)
    unlike = {
        "page_indices": case.table_layout != "contiguous" or case.table_dtype != "int32",
        "seq_lens": case.lens_layout != "contiguous" or case.lens_dtype != "int64",
        "buf": bool(case.pool_offset or case.pool_row_gap or case.pool_byte_step > 1),
    }
    if case.rules[0] is Rule.TABLE_TAIL:
        return None if table else "is given no page table"
    kept = {
        "page_indices": any(_hands_on_table(word, case.table_dtype) for word in foreign.words),
        "seq_lens": foreign.hands_on_as_it_is("seq_lens"),
        "buf": True,
    }
    about = [name for name, is_so in unlike.items() if is_so]
    if about and not any(kept[name] for name in about):
        return f"is not given {' and '.join(about)} as it is"
    return None


def _hands_on_table(word: str, dtype: str) -> bool:
    """Whether a word is the table as it was given: a cast to the dtype that it has is none."""
    base, *casts = word.split(":")
    return base in _TABLES and all(cast == dtype for cast in casts)


def _pool(foreign: Foreign, case: Case) -> str | None:
    is_of_tokens = any(word.partition(":")[0] == "tokens" for word in foreign.words)
    if is_of_tokens and case.page_size > 1 and case.layout != "interleaved":
        return f"is given a pool of tokens, which pages of {case.page_size} are none"
    return None
