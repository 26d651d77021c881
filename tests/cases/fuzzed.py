"""Cases that hypothesis draws, calls in sequence among them, and makes smaller.

What is drawn falls into classes: kinds of input, batches, lengths, geometries, dtypes, layouts, contents. A search
prefers, a few cases long, one class of each: first those of a covering array, in which each class meets each other,
then any. A preference makes a class likely and nothing impossible, so that what was found can be made smaller in each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any, get_args

from hypothesis import strategies as st

from tests.cases.bad_arguments import SPOILT
from tests.cases.case import Case, Relation
from tests.cases.covering import Row, covering
from tests.cases.invalid_pages import VALUES, WIDE_VALUES
from tests.cases.plan import INT32_MAX, INT64_MAX, num_pages_of
from tests.cases.rows import FAMILY, usual

FACTORS: dict[str, tuple[Any, ...]] = {
    "kind": ("good", "calls", "pages", "wrap", "lengths", "host", "bad", "related"),
    "batch": ("few", "tens", "hundreds"),
    "length": ("short", "page", "tile", "long"),
    "page_size": (64, 1, 16, 48, 128, 3, 100),
    "index_head_dim": (128, 64, 96, 256),
    "dtypes": (("int32", "int64"), ("int32", "int32"), ("int64", "int64"), ("int64", "int32")),
    "table_layout": ("contiguous", "sliced", "transposed", "offset", "every_other_column"),
    "lens_layout": ("contiguous", "every_other", "offset"),
    "pool": ((0, 0), (4, 0), (1, 0), (16, 0), (0, 4), (0, 13)),
    "pages": ("shuffled", "reversed", "same", "shared_prefix"),
    "tail": ("stale", "minus_one", "huge", "int_min"),
    "content": ("coded", "nan", "every_byte"),
    "first": ("get_k_and_s", "get_k", "get_s"),
}
"""The classes of each property of a call; the first is what a case is made smaller to."""
LIKELY, VERY_LIKELY = 2, 8
"""How much more a class is drawn that is preferred than all others together; and one that a kernel is compiled for,
since a new variant takes longer to compile than many calls to make."""
_COMPILED_FOR = {"page_size", "index_head_dim", "dtypes", "table_layout", "lens_layout", "pool"}
MANY_SEQUENCES, MANY_TOKENS = 12, 130
"""From these on a case is heavy, so that fewer calls are made."""
_POWERS = {"tens": (8, 16, 32), "hundreds": (64, 128, 256, 512)}
MOST_CALLS = 7
_KEPT = ("name", "family", "rules", "seq_lens", "device_seq_lens", "bad", "heavy")
_FAR = (1, 30, 300, INT32_MAX, INT64_MAX)


@cache
def covering_rows() -> tuple[Row, ...]:
    """Return preferences in which each class of a property meets each class of every other."""
    return tuple(covering(FACTORS))


class _Draw:
    """Draws what a preference makes likely."""

    def __init__(self, draw: st.DrawFn, preferred: Row) -> None:
        self._draw, self._preferred = draw, preferred

    def of(self, factor: str) -> Any:
        """Draw a class."""
        classes = FACTORS[factor]
        times = VERY_LIKELY if factor in _COMPILED_FOR else LIKELY
        # Behind all of them, so that it is made smaller like each of them.
        return self.one(*classes, *[self._preferred[factor]] * (times * len(classes)))

    def one(self, *values: Any) -> Any:
        """Draw one of some values."""
        return self._draw(st.sampled_from(values))

    def number(self, least: int, most: int) -> int:
        """Draw a whole number."""
        return self._draw(st.integers(least, most))


@st.composite
def cases(draw: st.DrawFn, preferred: Row) -> Case:
    """Draw a case of the contract's argument space; the simplest is one call on nothing.

    Args:
        draw: hypothesis passes it.
        preferred: a class of each of `FACTORS`.
    """
    of = _Draw(draw, preferred)
    kind = of.of("kind")
    if kind == "calls":
        return _calls(of)
    if kind == "bad":
        return _bad(of)
    # Large batches cost an interpreter much, and are there for how a sequence's place is found.
    case = _good(of, is_small=kind != "good")
    if kind == "good":
        return case
    return _with_rules(_ADVERSE[kind](of, case if sum(case.seq_lens) else replace(case, seq_lens=(1,))))


def _good(of: _Draw, *, is_small: bool = False) -> Case:
    """Draw a call on good input, of any geometry and layout."""
    page_size = of.of("page_size")
    seq_lens = _few_lengths(of, page_size) if is_small else _seq_lens(of, page_size)
    dtypes, pool = of.of("dtypes"), of.of("pool")
    case = Case(
        name="drawn",
        family=FAMILY,
        rules=(4,),
        seq_lens=seq_lens,
        page_size=page_size,
        index_head_dim=of.of("index_head_dim"),
        table_dtype=dtypes[0],
        lens_dtype=dtypes[1],
        table_layout=of.of("table_layout"),
        lens_layout=of.of("lens_layout"),
        pool_offset=pool[0],
        pool_row_gap=pool[1],
        pages=of.of("pages"),
        tail=of.of("tail"),
        content=of.of("content"),
        first=of.of("first"),
        spare_columns=of.one(2, 0, 1, 3, 4),
        max_seq_len_error=of.one(0, 0, 0, 1, 70),
        heavy=_is_heavy(seq_lens),
    )
    return _with_rules(case)


def _few_lengths(of: _Draw, page_size: int, most: int = 4) -> tuple[int, ...]:
    return tuple(_length(of, page_size) for _ in range(of.number(0, most)))


def _seq_lens(of: _Draw, page_size: int) -> tuple[int, ...]:
    """Draw a few lengths, or many of which few are not short: those cost an interpreter much."""
    kind = of.of("batch")
    few = _few_lengths(of, page_size, 2 if kind == "hundreds" else 4)
    if kind == "few":
        return few
    power = of.one(*_POWERS[kind])
    many = of.one(power - 1, power, power + 1, of.number(power, 2 * power))
    every = of.one(0, 64) if many > 2 * MANY_SEQUENCES else of.one(0, 3, 1)
    short = tuple(int(every > 0 and place % every == 0) for place in range(max(many - len(few), 0)))
    return of.one((*short, *few), (*few, *short), (*few[:1], *short, *few[1:]))


def _length(of: _Draw, page_size: int) -> int:
    """Draw the tokens of a sequence: few, about the end of a page or of a tile, or some hundreds."""
    kind = of.of("length")
    if kind == "short":
        return of.number(0, 3)
    if kind == "long":
        return of.number(130, 400)
    if kind == "page":
        return page_size * of.number(1, 2) + of.one(0, -1, 1)
    return (of.one(1, 3, 5, 7) << of.number(1, 4)) + of.one(0, -1, 1)


def _pages(of: _Draw, case: Case) -> Case:
    """Draw page numbers that are none of the pool's."""
    count = num_pages_of(case)
    values = [*VALUES.values(), *(WIDE_VALUES.values() if case.table_dtype == "int64" else ()), count]
    places = [place for place, needed in enumerate(case.pages_needed) if needed]
    chosen = (of.one(places[0], places[-1], of.one(*places)), of.one(0, -1))
    return replace(case, num_pages=count, page_at={chosen: _no_page(of.one(*values), count)})


def _no_page(page: int, count: int) -> int:
    return page if not 0 <= page < count else count


def _wrap(of: _Draw, case: Case) -> Case:
    """Have all pages lie where 32 bits do not reach."""
    first = of.one(2**31, 2**32) // case.page_pitch + of.one(1, 0, 2)
    return replace(case, pages_from=first, num_pages=num_pages_of(case) + first)


def _lengths(of: _Draw, case: Case) -> Case:
    """Have the device hold other lengths than the host believes, some of them or all."""
    most = INT32_MAX if case.lens_dtype == "int32" else INT64_MAX
    off = min(of.one(*_FAR), most - max(case.seq_lens)) * of.one(1, -1)
    every = of.number(1, 3)
    device = tuple(length + off * (place % every == 0) for place, length in enumerate(case.seq_lens))
    return replace(case, rules=(13,), device_seq_lens=device)


def _host(of: _Draw, case: Case) -> Case:
    """Have the host's sum or maximum be wrong."""
    total, longest = sum(case.seq_lens), max(case.seq_lens)
    if of.one("sum", "max") == "sum":
        error = of.one(-1, 1, -total, 300, -of.number(1, total))
        return replace(case, rules=(13,), seq_len_sum_error=error, max_seq_len_error=0)
    return replace(case, rules=(13,), max_seq_len_error=-of.number(1, longest))


def _related(of: _Draw, case: Case) -> Case:
    """Ask whether calls that mean the same return the same."""
    return replace(case, relation=of.one(*get_args(Relation)))


_ADVERSE = {"related": _related, "pages": _pages, "wrap": _wrap, "lengths": _lengths, "host": _host}


def _bad(of: _Draw) -> Case:
    """Draw a call that has to be refused, usual in all else that could be: an error about that would be right, too."""
    dtypes = of.of("dtypes")
    return Case(
        name="drawn",
        family=FAMILY,
        rules=(14,),
        # Of so many tokens in the first sequence, each of these calls is bad.
        seq_lens=(70, *(of.one(30, 0, 1, 64) for _ in range(of.number(1, 3)))),
        table_dtype=dtypes[0],
        lens_dtype=dtypes[1],
        tail=of.of("tail"),
        spare_columns=of.one(2, 0, 1, 3, 4),
        bad=SPOILT[of.one(*SPOILT)],
    )


def _calls(of: _Draw) -> Case:
    """Draw calls that are made one after the other, each somehow related to those before."""
    calls = [_good(of, is_small=True)]
    for _ in range(of.number(1, MOST_CALLS - 1)):
        calls.append(_next_call(of, calls))
    return _in_sequence(calls)


def _in_sequence(calls: Sequence[Case]) -> Case:
    rules = {int(rule) for call in calls for rule in call.rules} & {9, 10}
    return Case(name="drawn", family=FAMILY, rules=(7, *sorted(rules)), calls=tuple(calls))


def simpler(case: Case) -> Iterator[Case]:
    """Yield the case with less of what hypothesis hardly makes less, since other draws hang on it.

    That is a call of a sequence; of a call all that is not usual, half of its sequences, or tokens of its longest.
    """
    calls = case.calls
    if calls:
        yield from (_in_sequence(calls[:at] + calls[at + 1 :]) for at in range(len(calls)) if len(calls) > 1)
        return
    for of in fields(Case):
        if of.name not in _KEPT and getattr(case, of.name) != usual(of):
            yield _with_rules(replace(case, **{of.name: usual(of)}))
    if case.seq_lens and case.device_seq_lens is None and not case.page_at and case.bad is None:
        lengths, longest = case.seq_lens, max(case.seq_lens)
        half, at = len(lengths) // 2, case.seq_lens.index(longest)
        fewer = (lengths[:half], lengths[half:])
        shorter = ((*lengths[:at], tokens, *lengths[at + 1 :]) for tokens in (longest // 2, longest - 1) if tokens >= 0)
        for changed in (*fewer, *shorter):
            yield _with_rules(replace(case, seq_lens=changed, heavy=_is_heavy(changed)))


def _is_heavy(seq_lens: Sequence[int]) -> bool:
    return len(seq_lens) > MANY_SEQUENCES or sum(seq_lens) > MANY_TOKENS


def _next_call(of: _Draw, calls: list[Case]) -> Case:
    """Draw a call that is any, an earlier one again, or one of them with other lengths: of none, more, fewer tokens."""
    how = of.one("longest", "empty", "again", "shorter", "fewer", "other")
    last = of.one(*reversed(calls))
    if how == "again":
        return last
    if how == "other":
        return _good(of, is_small=True)
    longest = max(calls, key=lambda call: sum(call.seq_lens)).seq_lens or (0,)
    changed = {
        "longest": tuple(length + of.number(1, 40) for length in longest),
        "empty": of.one((), (0,) * len(last.seq_lens)),
        "shorter": tuple(length // 2 for length in last.seq_lens),
        "fewer": last.seq_lens[1:],
    }
    return _with_rules(replace(last, seq_lens=changed[how]))


def _with_rules(case: Case) -> Case:
    """Return the case with the rules that it bears on."""
    is_odd = {case.table_layout, case.lens_layout} != {"contiguous"} or case.pool_offset or case.pool_row_gap
    count = num_pages_of(case)
    holds = {
        13: case.rows_are_open,
        10: is_odd,
        9: (case.page_size, case.index_head_dim) != (64, 128),
        11: any(not 0 <= page < count for page in case.page_at.values()),
        12: count * case.page_pitch > 2**31,
    }
    rules = tuple(rule for rule, is_so in holds.items() if is_so)
    # Rule 11 says nothing of the rows of valid pages, nor rule 12 of rows that a size did not make wrong.
    return replace(case, rules=rules if {9, 10, 13} & set(rules) else (4, *rules))
