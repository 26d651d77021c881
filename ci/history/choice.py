"""Which stored runs a name means."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ci.latency.base import NoBase, resolve
from tests.calls.errors import Foreseen
from tests.latency.machine import Machine
from tests.latency.stored_run import Run


@dataclass(frozen=True)
class Kept:
    """A stored run and the machine that it was measured on."""

    machine: Machine
    run: Run

    @property
    def number(self) -> str:
        """What its file's name begins with, such as `0012`."""
        return self.run.name.split("_")[0]


def kept_of(machines: Mapping[Machine, Sequence[Run]], implementation: str) -> list[Kept]:
    """Return the runs of an implementation, oldest first."""
    found = [
        Kept(machine, run)
        for machine, runs in machines.items()
        for run in runs
        if run.about.implementation == implementation
    ]
    return sorted(found, key=lambda kept: (kept.run.about.seconds_since_epoch, kept.run.name))


def named(name: str, kept: Sequence[Kept]) -> list[Kept]:
    """Return the runs that a name means: a run's number or name, else a commit, a branch, or what git makes of it.

    Raises:
        Foreseen: there are none.
    """
    wanted = name.zfill(4) if re.fullmatch(r"\d{1,5}", name) else name
    meanings = (
        lambda each: each.run.name == name or each.number == wanted,
        lambda each: len(name) >= 6 and (each.run.about.commit or "").startswith(name),
        lambda each: each.run.about.branch == name,
    )
    for is_meant in meanings:
        if found := [each for each in kept if is_meant(each)]:
            return found
    try:
        commit = resolve(name).commit
    except NoBase:
        commit = None
    if commit and (found := [each for each in kept if (each.run.about.commit or "").removesuffix("-dirty") == commit]):
        return found
    raise Foreseen(f"{name}: no stored run, commit or branch is named so; ./ci/gate history list has those there are")


def sides(a: str, b: str, kept: Sequence[Kept]) -> tuple[list[Kept], list[Kept]]:
    """Return the runs of two names on a machine that has both, the one with most of them; else all, of any machine.

    Raises:
        Foreseen: a name means no run.
    """
    first, second = named(a, kept), named(b, kept)
    common = {each.machine for each in first} & {each.machine for each in second}
    if not common:
        return first, second

    def of(machine: Machine) -> tuple[list[Kept], list[Kept]]:
        return [each for each in first if each.machine == machine], [e for e in second if e.machine == machine]

    return max(map(of, common), key=lambda pair: min(len(pair[0]), len(pair[1])))
