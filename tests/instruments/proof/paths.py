"""All ways through a launcher's code: each condition that decided a way is denied, and numbers that do so are tried."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import z3

from tests.calls.implementations import Implementation
from tests.instruments.proof.capture import HostPath, Setting, captured
from tests.instruments.proof.kept import kept
from tests.instruments.proof.launch import NUMBERS, TERMS, SymbolicLaunch

_STEPS = 3_000_000
_LARGEST = 1 << 40
START = {
    "num_pages": 1000,
    "byte_stride": 1,
    "batch": 3,
    "max_pages": 40,
    "table_stride": 40,
    "table_step": 1,
    "lengths_stride": 1,
    "seq_len_sum": 5000,
    "max_seq_len": 2500,
}
"""Numbers of a usual call."""


@dataclass
class HostPaths:
    """What was found of a function's ways."""

    launches: dict[tuple[str, ...], list[SymbolicLaunch]] = field(default_factory=dict)
    """Launches that are alike but for their conditions."""
    paths: int = 0
    refused: int = 0
    empty: int = 0
    """Ways without a launch."""
    unmodelled: dict[str, int] = field(default_factory=dict)
    """What has no model, and on how many ways."""
    open_branches: int = 0
    """Conditions of which it is not known whether they can be otherwise."""
    left: int = 0
    """Numbers that were not tried any more."""
    choices: int = 1

    @property
    def is_complete(self) -> bool:
        """Whether all ways were found."""
        return not self.open_branches and not self.left


def host_paths(
    implementation: Implementation,
    function: str,
    setting: Setting,
    on_path: Callable[[int], None],
    most: int,
) -> HostPaths:
    """Run a function until no way through its code is left, or `most` were found."""
    found = HostPaths()
    row = setting.page_size * (setting.index_head_dim + 4)
    # Numbers, and the conditions with which they are to take another way.
    todo: deque[tuple[dict[str, int], tuple[str, ...]]] = deque([({**START, "page_stride": row}, ())])
    seen: set[tuple[str, ...]] = set()
    taken: set[tuple[tuple[str, ...], str]] = set()
    while todo and found.paths < most:
        numbers, expected = todo.popleft()
        path = captured(implementation, function, setting, numbers)
        texts = tuple(condition.sexpr() for condition in path.conditions)
        # Else what decides is no matter of these numbers alone, but of addresses say.
        found.open_branches += texts[: len(expected)] != expected
        if texts in seen:
            continue
        seen.add(texts)
        _note(found, path)
        on_path(found.paths)
        taken.update((texts[:place], text) for place, text in enumerate(texts))
        for place, condition in enumerate(path.conditions):
            other_way = (texts[:place], z3.simplify(z3.Not(condition)).sexpr())
            if other_way in taken:
                continue
            taken.add(other_way)
            answer = _numbers_for([*path.facts, *path.conditions[:place], z3.Not(condition)])
            if answer is None:
                found.open_branches += 1
            elif answer:
                todo.append((answer, (*texts[:place], other_way[1])))
    found.left = len(todo)
    return found


def _note(found: HostPaths, path: HostPath) -> None:
    found.paths += 1
    found.choices = max(found.choices, path.choices)
    if path.unmodelled:
        found.unmodelled[path.unmodelled] = found.unmodelled.get(path.unmodelled, 0) + 1
    elif path.refused:
        found.refused += 1
    elif not path.launches:
        found.empty += 1
    for launch in path.launches:
        found.launches.setdefault(launch.key, []).append(launch)


def _numbers_for(conditions: list[z3.BoolRef]) -> dict[str, int] | None:
    """Return numbers that satisfy conditions: none if there are none, None if that is not known."""
    key = ("numbers", *(condition.sexpr() for condition in conditions))
    known = kept().read(*key)
    if known is not None:
        return known
    # In a context of its own, as a prover asks: all processes find the same ways.
    solver = z3.Solver(ctx=z3.Context())
    solver.set("rlimit", _STEPS)
    in_range = [z3.And(term >= 0, term < _LARGEST) for term in TERMS.values()]
    solver.add(z3.And(*in_range, *conditions).translate(solver.ctx))
    answer = solver.check()
    if answer == z3.unknown:
        return None
    found: dict[str, int] = {}
    if answer == z3.sat:
        model = solver.model()
        values = {name: model.eval(z3.Int(name, solver.ctx), model_completion=True) for name in NUMBERS}
        found = {name: value.as_long() for name, value in values.items()}
    kept().write(found, *key)
    return found
