"""The stored figures: one file, one line a figure, so that a change of cost is read in review."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.cost.figures import DEPENDS_ON, Measured, Value
from tests.calls import files
from tests.calls.errors import Foreseen

PATH = Path(__file__).with_name("baseline.json")


@dataclass(frozen=True)
class Group:
    """Figures that were accepted together."""

    versions: Mapping[str, str]
    """Those that they were made with and depend on; see `figures.DEPENDS_ON`."""
    figures: Mapping[str, Value]


Baseline = Mapping[str, Group]
"""The accepted figures of one implementation by group."""


def read(implementation: str, path: Path = PATH) -> Baseline | None:
    """Return the accepted figures of an implementation, None if there are none.

    Raises:
        Foreseen: the file cannot be read, or is not such a file.
    """
    stored = _load(path).get(implementation)
    if stored is None:
        return None
    try:
        return {name: Group(dict(stored[name]["versions"]), dict(stored[name]["figures"])) for name in DEPENDS_ON}
    except (KeyError, TypeError, ValueError) as error:
        raise Foreseen(f"{path}: the entry of {implementation} lacks {error}") from error


def accept(measured: Measured, path: Path = PATH) -> None:
    """Make what was measured the accepted figures of its implementation; those of others stay.

    Raises:
        Foreseen: the file cannot be read.
        NotWritten: it cannot be written.
    """
    content = _load(path)
    content[measured.implementation] = {
        group: {"versions": {of: measured.versions[of] for of in DEPENDS_ON[group]}, "figures": figures}
        for group, figures in measured.figures().items()
    }
    files.write(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise Foreseen(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise Foreseen(f"{path}: expected an object with an entry an implementation")
    return content
