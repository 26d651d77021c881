"""What was counted, as figures with names that a review can read. Pure.

A figure's name is a path: `1x4k / get_k_and_s / idle programs`, or for machine code
`get_k_and_s of 1x4k / gather_kernel / sm_90 / registers`. Code is named after the first call that launches it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Value = int | str
"""A count, or the name of the code that a call launches."""
COUNTED, COMPILED, HOST = "counted", "compiled", "host"
"""The groups of figures."""
DEPENDS_ON = {COUNTED: (), COMPILED: ("triton",), HOST: ("python", "torch", "triton")}
"""Whose versions the figures of a group depend on."""


@dataclass(frozen=True)
class Code:
    """The machine code of one launch."""

    name: str
    """The function and the workload that first launch it, and the kernel."""
    used_by: tuple[str, ...]
    """All calls that launch it, `workload / function`."""
    by_target: Mapping[str, Mapping[str, int]]
    """Figures by target; a target for which it could not be compiled is missing."""


@dataclass(frozen=True)
class CountedCall:
    """What one call did."""

    workload: str
    function: str
    figures: Mapping[str, int]
    least: Mapping[str, int]
    """The least that the workload allows."""


@dataclass(frozen=True)
class Measured:
    """All that was counted of an implementation."""

    implementation: str
    versions: Mapping[str, str]
    """Of Python, torch and Triton, by their names in lower case."""
    calls: Sequence[CountedCall]
    codes: Sequence[Code]
    launched: Mapping[str, str]
    """Names of the codes that a call launches, by `workload / function`."""
    growing: Mapping[str, int]
    """Compiled variants of the growing requests, by function."""
    host: Sequence[CountedCall] = ()
    """What calls cost the host; no least is known."""
    notes: Sequence[str] = ()
    """What the implementation refused, and what does not compile for a target: sentences for the user."""
    troubles: Sequence[str] = ()
    """What could not be counted: sentences for the user."""
    uncounted: Sequence[str] = field(default=())
    """Beginnings of the names of figures that are missing for that reason."""

    def figures(self) -> dict[str, dict[str, Value]]:
        """Return the figures by group and name."""
        counted: dict[str, Value] = {
            f"{call.workload} / {call.function} / {name}": value
            for call in self.calls
            for name, value in call.figures.items()
        }
        counted |= {f"growing requests / {function} / variants": number for function, number in self.growing.items()}
        compiled: dict[str, Value] = {f"{call} / code": code for call, code in self.launched.items()}
        compiled |= {
            f"{code.name} / {target} / {name}": value
            for code in self.codes
            for target, figures in code.by_target.items()
            for name, value in figures.items()
        }
        host: dict[str, Value] = {
            f"{call.workload} / {call.function} / host {name}": value
            for call in self.host
            for name, value in call.figures.items()
        }
        return {COUNTED: counted, COMPILED: compiled, HOST: host}


def assemble(
    implementation: str,
    counted: Mapping[str, Any],
    compiled: Iterable[Mapping[str, Any]],
    host: Mapping[str, Any],
) -> Measured:
    """Return what three finished processes counted.

    Args:
        implementation: as it was named on the command line.
        counted: the last message of `ci.cost.count_child`.
        compiled: the messages of `ci.cost.compile_child` about variants, which are numbered as in
            `counted`.
        host: the last message of `ci.cost.host_child`.
    """
    figures: dict[int, dict[str, Mapping[str, int]]] = {}
    reasons: dict[int, list[str]] = {}
    for message in compiled:
        place, target = message["compiled"], message["target"]
        if "figures" in message:
            figures.setdefault(place, {})[target] = message["figures"]
        else:
            reasons.setdefault(place, []).append(message["reason"])
    for place, variant in enumerate(counted["variants"]):
        if "reason" in variant:
            reasons[place] = [f"{variant['name']}: {variant['reason']}"]

    # The variants of one launch, one a backend, are one code.
    names: dict[tuple[int, ...], str] = {}
    used: dict[tuple[int, ...], list[str]] = {}
    launched: dict[str, str] = {}
    for call in counted["calls"]:
        at = f"{call['workload']} / {call['function']}"
        of_call: list[str] = []
        for launch in map(tuple, call["launches"]):
            if launch not in names:
                kernel = counted["variants"][launch[0]]["name"]
                names[launch] = _unused(f"{call['function']} of {call['workload']} / {kernel}", set(names.values()))
            of_call.append(names[launch])
            used.setdefault(launch, []).append(at)
        if of_call:
            launched[at] = ", then ".join(of_call)
    codes = [
        Code(name, tuple(used[launch]), {t: f for place in launch for t, f in figures.get(place, {}).items()})
        for launch, name in names.items()
    ]
    failed = counted["failed"]
    return Measured(
        implementation,
        counted["versions"],
        [CountedCall(c["workload"], c["function"], c["figures"], c["least"]) for c in counted["calls"]],
        codes,
        launched,
        {function: told["variants"] for function, told in counted["growing"].items()},
        [CountedCall(c["workload"], c["function"], c["figures"], {}) for c in host["calls"]],
        notes=[
            *(f"{r['workload']}, {r['function']}: {r['reason']}" for r in counted["refused"]),
            *counted["not_taken"],
            *(f"{u['workload']}, {u['function']}, host: {u['reason']}" for u in host["uncounted"]),
        ],
        troubles=[
            *(f"{f['workload']}, {f['function']}: {f['reason']}" for f in failed),
            *dict.fromkeys(reason for launch in names for place in launch for reason in reasons.get(place, [])),
        ],
        uncounted=[
            *(f"{f['workload']} / {f['function']} / " for f in failed),
            *(f"{f['function']} of {f['workload']} / " for f in failed),
            *(f"{name} / " for launch, name in names.items() if any(place in reasons for place in launch)),
        ],
    )


def _unused(name: str, taken: set[str]) -> str:
    """Return a name that is free: one call may launch several variants of one kernel."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free
