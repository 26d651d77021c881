"""Cases that hypothesis draws, calls in sequence among them, and makes smaller; and a case as a row to paste."""

import ast
from dataclasses import MISSING, fields, replace
from typing import Any

from hypothesis import strategies as st

from tests.cases.case import Case, IndexDtype, LengthsLayout, TableLayout
from tests.cases.plan import INT32_MAX, INT32_MIN, num_pages_of

FAMILY = "fuzz"
MOST_SEQUENCES, FEW_SEQUENCES = 600, 5
_NOT_IN_A_ROW = ("family", "bad")
_TABLES: tuple[TableLayout, ...] = ("contiguous", "sliced", "transposed", "offset", "every_other_column")
_LENGTHS: tuple[LengthsLayout, ...] = ("contiguous", "every_other", "offset")
_DTYPES: tuple[IndexDtype, ...] = ("int32", "int64")


@st.composite
def _seq_lens(draw: st.DrawFn, most: int = MOST_SEQUENCES) -> tuple[int, ...]:
    """Draw a few lengths, often with many short sequences before them."""
    few = draw(st.lists(st.sampled_from([0, 1, 3]) | st.integers(0, 140), max_size=4))
    many = draw(st.sampled_from([0, 0, 0, 5, most // 4, most // 2 + 1, most])) if most else 0
    # Empty ones cost an interpreter little.
    return (draw(st.integers(0, 1)) if many <= FEW_SEQUENCES else 0,) * many + tuple(few)


@st.composite
def _good(draw: st.DrawFn, most: int = MOST_SEQUENCES) -> Case:
    """Draw a call on good input, of any geometry and layout."""
    case = Case(
        name="drawn",
        family=FAMILY,
        rules=(4,),
        seq_lens=draw(_seq_lens(most)),
        page_size=draw(st.sampled_from([64, 1, 16, 48, 128])),
        index_head_dim=draw(st.sampled_from([128, 64, 96, 256])),
        table_dtype=draw(st.sampled_from(_DTYPES)),
        lens_dtype=draw(st.sampled_from(_DTYPES[::-1])),
        table_layout=draw(st.sampled_from(_TABLES)),
        lens_layout=draw(st.sampled_from(_LENGTHS)),
        pool_offset=draw(st.sampled_from([0, 1, 4, 16])),
        pool_row_gap=draw(st.sampled_from([0, 4, 13])),
        pages=draw(st.sampled_from(["shuffled", "reversed", "same", "shared_prefix"])),
        tail=draw(st.sampled_from(["stale", "minus_one", "huge", "int_min"])),
        spare_columns=draw(st.sampled_from([2, 0, 1, 3, 4])),
    )
    return _with_rules(case)


@st.composite
def _adverse(draw: st.DrawFn) -> Case:
    """Draw a call with pages at a wrap or outside the pool, or with a host and a device that disagree."""
    case = draw(_good(40))
    kind = draw(st.sampled_from(["wrap", "wrap", "page", "device", "sum", "max"]))
    first = next((place for place, length in enumerate(case.seq_lens) if length), None)
    if first is None:
        return case
    if kind == "wrap":
        at = draw(st.sampled_from([2**31, 2**32])) // case.page_pitch
        changed = replace(case, num_pages=at + 900, page_at={(first, 0): at + draw(st.integers(1, 2))})
    elif kind == "page":
        page = draw(st.sampled_from([-1, num_pages_of(case), INT32_MAX, INT32_MIN]))
        changed = replace(case, num_pages=num_pages_of(case), page_at={(first, -1): page})
    elif kind == "device":
        off = draw(st.integers(-300, 300))
        lengths = tuple(length + off for length in case.seq_lens)
        changed = replace(case, rules=(13,), device_seq_lens=lengths)
    elif kind == "sum":
        changed = replace(case, rules=(13,), seq_len_sum_error=-draw(st.integers(1, sum(case.seq_lens))))
    else:
        changed = replace(case, rules=(13,), max_seq_len_error=-draw(st.integers(1, max(case.seq_lens))))
    return _with_rules(changed)


@st.composite
def _sequences(draw: st.DrawFn) -> Case:
    """Draw calls that are made one after the other, some of them alike but for their lengths."""
    first = draw(_good(0))
    alike = _seq_lens(0).map(lambda seq_lens: _with_rules(replace(first, seq_lens=seq_lens)))
    calls = (first, *draw(st.lists(alike | _good(0), min_size=2, max_size=4)))
    rules = {int(rule) for call in calls for rule in call.rules} & {9, 10}
    return Case(name="drawn", family=FAMILY, rules=(7, *sorted(rules)), calls=calls)


def cases() -> st.SearchStrategy[Case]:
    """Return what draws a case of the contract's argument space; its simplest is one call on nothing."""
    return _good() | _adverse() | _sequences()


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
    rules = [rule for rule, is_so in holds.items() if is_so]
    return replace(case, rules=tuple(rules) if {9, 10, 13} & set(rules) else (4, *rules))


def row(case: Case) -> str:
    """Return a case as a row of the catalogue."""
    said = []
    for of in fields(Case):
        value = getattr(case, of.name)
        usual = of.default_factory() if of.default_factory is not MISSING else of.default
        if of.name not in _NOT_IN_A_ROW and value != usual:
            said.append(f"{of.name}={_text(of.name, value)}")
    return f"Case({', '.join(said)})"


def _text(name: str, value: Any) -> str:
    if name == "rules":
        value = tuple(int(rule) for rule in value)
    if name == "calls":
        return f"({', '.join(map(row, value))},)"
    return repr(value)


def of_row(text: str) -> Case:
    """Return the case that a row of literals means.

    Raises:
        ValueError: it is no such row.
    """
    try:
        return replace(_case(ast.parse(text.strip().rstrip(","), mode="eval").body), family=FAMILY)
    except (SyntaxError, TypeError) as error:
        raise ValueError(f"expected Case(...) of literals: {error}") from error


def _case(node: ast.expr) -> Case:
    if not (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Case" and not node.args
    ):
        raise ValueError("expected Case(...) of named literals")
    given: dict[str, Any] = {}
    for word in node.keywords:
        if word.arg == "calls" and isinstance(word.value, ast.Tuple):
            given["calls"] = tuple(replace(_case(call), family=FAMILY) for call in word.value.elts)
        else:
            given[str(word.arg)] = ast.literal_eval(word.value)
    return Case(**given)
