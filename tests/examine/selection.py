"""What a run examines: made once, from a command line, pytest's options or JSON, and turned back into words here only.

Needs the standard library only, so that a command line can be read before any set-up.
"""

import argparse
import glob
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from reference.layout import LAYOUTS
from tests.cases.case import LayoutName
from tests.cases.seeds import DEFAULT_COUNT
from tests.contract import Contract

QUICK_SEEDS = 8
"""Random cases of a quick run, unless the user says how many."""
MOST_SEEDS = 100_000
MOST_SECONDS = 7 * 24 * 3600
"""The longest time that a test may be given: `faulthandler` takes little more."""
MEMORIES = ("auto", "red-zones", "fences", "fence-before", "fence-after", "fence-exact")


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number of a range from a word of the command line."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not least <= int(text[:20]) <= most:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}, not {text!r}")
        return int(text)

    return read


def _fours(text: str) -> int:
    value = whole(4, 4_096)(text)
    if value % 4:
        raise argparse.ArgumentTypeError(f"expected a multiple of 4, not {text!r}")
    return value


def seconds(text: str) -> float:
    """Read how long something may take from a word of the command line."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"expected seconds, more than 0 and at most a week, not {text!r}")
    return value


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "--impl": {
        "dest": "implementation",
        "default": "own",
        "metavar": "NAME",
        "help": "a short name that `list` in its place tells, PATH.py[:name], or package.module[:name]",
    },
    "--contract": {
        "dest": "contract",
        "default": Contract.STRICT.label,
        "choices": [level.label for level in Contract],
        "help": "what the implementation promises (default: %(default)s)",
    },
    "--device": {
        "dest": "device",
        "default": "auto",
        "choices": ["auto", "cpu", "cuda"],
        "help": "where kernels run (default: %(default)s)",
    },
    "--memory": {
        "dest": "memory",
        "default": "auto",
        "choices": MEMORIES,
        "help": "memory of the examined calls; fences need a GPU (default: %(default)s)",
    },
    "--case": {
        "dest": "patterns",
        "default": [],
        "action": "append",
        "metavar": "PATTERN",
        "help": "only cases like family/name; repeatable",
    },
    "--page-size": {
        "dest": "page_size",
        "default": 64,
        "type": whole(1, 4_096),
        "metavar": "TOKENS",
        "help": "of cases that are about no other (default: %(default)s)",
    },
    "--index-head-dim": {
        "dest": "index_head_dim",
        "default": 128,
        "type": _fours,
        "metavar": "BYTES",
        "help": "of a key, in cases that are about no other (default: %(default)s)",
    },
    "--layout": {
        "dest": "layout",
        "default": "blocks",
        "choices": list(LAYOUTS),
        "help": "how keys and scales lie in a page (default: %(default)s)",
    },
    "--cases": {
        "dest": "cases_file",
        "default": "",
        "metavar": "FILE",
        "help": "a Python file whose CASES, rows or dicts of their fields, are examined as well",
    },
    "--quick": {
        "dest": "quick",
        "action": "store_true",
        "help": "leave heavy cases out on the CPU",
    },
    "--in-order": {
        "dest": "in_order",
        "action": "store_true",
        "help": "examine cases in the order of their patterns, with -n 1 one after the other in one process",
    },
    "--seeds-from": {
        "dest": "seeds_from",
        "default": 0,
        "type": whole(0, 2**63 - 1),
        "metavar": "N",
        "help": "first seed of the random cases",
    },
    "--seeds": {
        "dest": "seeds",
        "type": whole(0, MOST_SEEDS),
        "metavar": "COUNT",
        "help": f"number of random cases (default: {DEFAULT_COUNT}, with --quick {QUICK_SEEDS})",
    },
}
"""Everything that a selection is made of, as `add_argument` of argparse and `addoption` of pytest take it."""
_ALWAYS_NAMED = ("--impl", "--contract", "--device")


def add_options(add: Callable[..., Any], *flags: str) -> None:
    """Declare options of a selection, all of them unless flags are given, with argparse's or pytest's own method."""
    for flag in flags or OPTIONS:
        add(flag, **OPTIONS[flag])


@dataclass(frozen=True)
class Selection:
    """What is examined, by which contract, where, and on which cases."""

    implementation: str = "own"
    contract: Contract = Contract.STRICT
    device: str = "auto"
    memory: str = "auto"
    patterns: tuple[str, ...] = ()
    """Of case ids; without any, all cases are chosen."""
    quick: bool = False
    seeds: int = DEFAULT_COUNT
    """Number of random cases."""
    seeds_from: int = 0
    in_order: bool = False
    """Whether cases are examined in the order of their patterns."""
    page_size: int = 64
    index_head_dim: int = 128
    layout: LayoutName = "blocks"
    cases_file: str = ""
    """A file with more cases, if there is one."""

    @classmethod
    def from_options(cls, options: argparse.Namespace) -> Self:
        """Return what the options of a command line, or pytest's, ask for; those that it does not have are usual."""
        given = {name: value for name, value in vars(options).items() if name in cls.__dataclass_fields__}
        if given.get("seeds") is None:
            given["seeds"] = QUICK_SEEDS if given.get("quick") else DEFAULT_COUNT
        return cls.from_json(given)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the selection that `as_json` wrote."""
        changed: dict[str, Any] = {"patterns": tuple(data.get("patterns", ()))}
        if "contract" in data:
            changed["contract"] = Contract[data["contract"].upper()]
        return cls(**{**data, **changed})

    def as_json(self) -> dict[str, Any]:
        """Return the selection as a JSON object."""
        return {**asdict(self), "contract": self.contract.label, "patterns": list(self.patterns)}

    def of_cases(self, *cases: str) -> Self:
        """Return the selection of some cases only, by their ids."""
        ends = [case.removeprefix("seeds/seed-") for case in cases if case.startswith("seeds/seed-")]
        seeds = [int(end) for end in ends if end.isdigit()]
        return replace(
            self,
            patterns=tuple(map(glob.escape, cases)),
            quick=False,
            seeds=max(seeds) - min(seeds) + 1 if seeds else DEFAULT_COUNT,
            seeds_from=min(seeds, default=0),
        )

    def arguments(self, flags: Collection[str] = tuple(OPTIONS)) -> list[str]:
        """Return the words of a command line that mean this selection.

        Args:
            flags: those that the command has; what the others say is left out.
        """
        usual = Selection(seeds=QUICK_SEEDS if self.quick else DEFAULT_COUNT).as_json()
        words: list[str] = []
        for flag, value in ((flag, self.as_json()[OPTIONS[flag]["dest"]]) for flag in OPTIONS if flag in flags):
            if value == usual[OPTIONS[flag]["dest"]] and flag not in _ALWAYS_NAMED:
                continue
            if value is True:
                words.append(flag)
                continue
            for word in map(str, value if isinstance(value, list) else [value]):
                # A word that begins with a dash would be taken for an option.
                words += [f"{flag}={word}"] if word.startswith("-") else [flag, word]
        return words
