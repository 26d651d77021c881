"""All planted bugs, each with its class, the style that it is planted in, and the report that it is modelled on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.planted.bugs.accesses import WILD_ACCESSES
from tests.planted.bugs.across_styles import ROWS
from tests.planted.bugs.arguments import REFUSALS
from tests.planted.bugs.bug import Bug
from tests.planted.bugs.compilation import COMPILATION
from tests.planted.bugs.machine import MACHINE
from tests.planted.bugs.memory import ADDRESSES, DISAGREEMENT, INVALID_PAGES, TABLES
from tests.planted.bugs.results import RESULTS
from tests.planted.bugs.rows import BYTES, WRONG_ROWS
from tests.planted.bugs.state import STATE
from tests.planted.gathers import STYLES

CLASSES = ("values", "bounds", "overflow", "unwritten", "races", "lifetime", "refusals", "machine", "compile")


@dataclass(frozen=True)
class Planted:
    """A bug, where it is planted, and what kind it is."""

    name: str
    style: str
    kind: str
    """One of `CLASSES`."""
    edits: Mapping[str, str]
    report: str = ""
    """The public report that it is modelled on, if there is one."""
    needs_gpu: bool = False
    needs_interpreter: bool = False
    """Compiled, it leaves no trace: a load that nobody uses is not made, one inside its own tensor is no fault."""

    @property
    def id(self) -> str:
        """What reports call it."""
        return f"{self.style}/{self.name}"

    def source(self) -> str:
        """Return the text of its style with the bug in it.

        Raises:
            ValueError: a text that it replaces does not stand there exactly once.
        """
        try:
            return STYLES[self.style].source(dict(self.edits))
        except ValueError as error:
            raise ValueError(f"{self.id}: {error}") from None


_GROUPS: Mapping[str, Sequence[Bug]] = {
    "values": [*WRONG_ROWS, *BYTES, *TABLES],
    "bounds": [*INVALID_PAGES, *DISAGREEMENT, *WILD_ACCESSES],
    "overflow": ADDRESSES,
    "lifetime": [*RESULTS, *STATE],
    "refusals": REFUSALS,
    "machine": MACHINE,
    "compile": COMPILATION,
}
_OTHERS = {
    "tail-of-the-last-block-missing": "unwritten",
    "last-token-missing": "unwritten",
    "batch-rounded-down-to-a-power-of-two": "unwritten",
    "grid-from-the-first-length": "unwritten",
    "rows-of-invalid-pages-left-unwritten": "unwritten",
    "int64-table-cut-to-32-bits": "overflow",
    "wrap-that-lands-in-the-pool": "overflow",
    "wrapped-start-not-range-checked": "overflow",
    "two-programs-write-the-same-rows": "races",
    "random-rows": "races",
    "every-second-call-wrong": "races",
    "keys-loaded-twice": "machine",
    "rows-stored-twice": "machine",
    "undefined-lanes-summed": "unwritten",
    "page-entry-of-undefined-lanes-used": "unwritten",
}
"""Bugs whose class is none of their group's."""

_COMPILED_AWAY = ("one-byte-read-*", "table-read-past-its-width", "undefined-lanes-summed", "keys-loaded-twice")
"""Bugs that a GPU may run without a trace."""

_TWINS = {f"search-one-step-short-from-{batch}" for batch in (16, 32)}
"""Another one of the same lines is in the table."""


def _is_compiled_away(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in _COMPILED_AWAY)


PLANTED = [
    *(
        Planted(
            bug.name,
            "tile",
            _OTHERS.get(bug.name, kind),
            bug.edits,
            needs_gpu=bug.needs_gpu,
            needs_interpreter=_is_compiled_away(bug.name),
        )
        for kind, bugs in _GROUPS.items()
        for bug in bugs
        if bug.name not in _TWINS
    ),
    *(
        Planted(name, style, kind, edits, report, needs_interpreter=_is_compiled_away(name))
        for kind, name, styles, edits, report in ROWS
        for style in styles.split()
    ),
]
