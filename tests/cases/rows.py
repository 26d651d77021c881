"""A case as a row to paste, and a row as a case."""

import ast
from dataclasses import MISSING, Field, fields, replace
from typing import Any

from tests.cases.bad_arguments import SPOILT
from tests.cases.case import Case

FAMILY = "fuzz"
_NOT_IN_A_ROW = ("family",)


def usual(of: Field[Any]) -> Any:
    """Return what a row means that does not say it."""
    return of.default_factory() if of.default_factory is not MISSING else of.default


def row(case: Case) -> str:
    """Return a case as a row of the catalogue."""
    said = []
    for of in fields(Case):
        value = getattr(case, of.name)
        if of.name not in _NOT_IN_A_ROW and value != usual(of):
            said.append(f"{of.name}={_text(of.name, value)}")
    return f"Case({', '.join(said)})"


def _text(name: str, value: Any) -> str:
    if name == "rules":
        value = tuple(int(rule) for rule in value)
    if name == "bad":
        return f"SPOILT[{next(of for of, bad in SPOILT.items() if bad == value)!r}]"
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
    except (SyntaxError, TypeError, KeyError) as error:
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
        elif word.arg == "bad" and isinstance(word.value, ast.Subscript):
            given["bad"] = SPOILT[ast.literal_eval(word.value.slice)]
        else:
            given[str(word.arg)] = ast.literal_eval(word.value)
    return Case(**given)
