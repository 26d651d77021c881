"""The list of cases that `--list` prints."""

from collections.abc import Sequence

from tests.cases.case import Case


def lines(cases: Sequence[Case]) -> list[str]:
    """Return a line a case: its id, the rules it bears on, and where it runs."""
    rows = [(case.id, ", ".join(str(rule) for rule in case.rules), where(case)) for case in cases]
    ids, rules = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    return [f"{case:{ids}}  rules {cited:{rules}}  {place}" for case, cited, place in rows]


def where(case: Case) -> str:
    """Return where a case runs, in words."""
    if case.needs_gpu:
        return f"GPU only: {case.needs_gpu}"
    return "GPU and CPU, there not with --quick" if case.heavy else "GPU and CPU"
