"""What history keeps of a run: data, made from samples and read from lines of JSON. No files here.

Raw microseconds of two runs are not comparable: clocks, temperature and placement differ. So a run keeps how its times
relate to those of two controls that were measured in the same draws: a frozen twin of the gather, and a copy of
the same bytes.
"""

import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, Self, TypeVar

from tests.latency.samples import Cell, CellSamples

SCHEMA = 1
"""Version of what a line holds. A reader leaves out lines of later versions, and says so."""
TWIN, COPY = "twin", "copy"
"""Names of the controls in `CellSamples.controls`."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class CellSummary:
    """What one run says about one cell."""

    cell: Cell
    microseconds: float
    """Of a call: the median over draws of the medians within them. For the reader, not for comparison."""
    log_to_twin: tuple[float, ...]
    """Of each draw, the natural logarithm of the time over the frozen twin's; empty if there was no twin."""
    log_to_copy: tuple[float, ...]
    """Of each draw, the same over a copy of the same bytes; empty if there was no copy."""

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return the summary that a JSON object holds."""
        return cls(
            Cell(**content["cell"]),
            float(content["microseconds"]),
            tuple(float(value) for value in content["log_to_twin"]),
            tuple(float(value) for value in content["log_to_copy"]),
        )


@dataclass(frozen=True)
class Run:
    """One run of the latency gate on one implementation."""

    implementation: str
    commit: str | None
    """Full hash of the revision that was measured, or None outside a git checkout."""
    is_dirty: bool
    """Whether the files differed from that revision."""
    seconds_since_epoch: float
    cells: tuple[CellSummary, ...]
    twin: str = ""
    """Which frozen twin the ratios are to; runs with another one are no baseline."""
    machine: dict[str, Any] = field(default_factory=dict)
    """What the machine looked like, for the reader: key, clocks, temperature."""

    def as_json(self) -> dict[str, Any]:
        """Return the run as a JSON object."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return the run that `as_json` made an object of."""
        return cls(
            content["implementation"],
            content["commit"],
            bool(content["is_dirty"]),
            float(content["seconds_since_epoch"]),
            tuple(CellSummary.from_json(cell) for cell in content["cells"]),
            content["twin"],
            content["machine"],
        )


@dataclass(frozen=True)
class Certificate:
    """What the gate was shown to see on a machine; `ci/gate certify` makes it."""

    commit: str | None
    seconds_since_epoch: float
    content: dict[str, Any]
    """JSON values: false alarms, power and smallest visible effect, as the certification defines them."""

    def as_json(self) -> dict[str, Any]:
        """Return the certificate as a JSON object."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return the certificate that `as_json` made an object of."""
        return cls(content["commit"], float(content["seconds_since_epoch"]), content["content"])


@dataclass(frozen=True)
class Reading(Generic[Item]):
    """What a file of history holds."""

    items: tuple[Item, ...]
    """Oldest first."""
    left_out: tuple[str, ...]
    """Lines that could not be read, in words; for the report."""


def summarise(samples: CellSamples) -> CellSummary:
    """Return what to keep of a cell's samples: those of the head, against the controls of the same draws.

    Raises:
        ValueError: there are no draws, or a control has another number of them.
    """
    if not samples.draws:
        raise ValueError(f"samples of {samples.cell.id}: expected at least one draw")
    times = [statistics.median(draw.head) for draw in samples.draws]
    return CellSummary(
        samples.cell,
        statistics.median(times) * 1e6,
        _log_ratios(samples, times, TWIN),
        _log_ratios(samples, times, COPY),
    )


def _log_ratios(samples: CellSamples, times: Sequence[float], control: str) -> tuple[float, ...]:
    draws = samples.controls.get(control, ())
    if not draws:
        return ()
    if len(draws) != len(times):
        raise ValueError(f"samples of {samples.cell.id}: expected {len(times)} draws of {control}, got {len(draws)}")
    of_control = (statistics.median(draw.base + draw.head) for draw in draws)
    return tuple(math.log(of_head / of_it) for of_head, of_it in zip(times, of_control, strict=True))


def parse_lines(text: str, name: str, from_json: Callable[[dict[str, Any]], Item]) -> Reading[Item]:
    """Return what lines of JSON hold. Lines that hold nothing readable are left out, and told.

    Args:
        text: the lines.
        name: of the file, for what is told.
        from_json: makes an item of a line's object.
    """
    items: list[Item] = []
    left_out: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
            schema = content["schema"]
            if schema > SCHEMA:
                left_out.append(f"line {number} of {name}: written by a later version of the gate (schema {schema})")
                continue
            items.append(from_json(content))
        except RecursionError:
            left_out.append(f"line {number} of {name}: not a record: too deep")
        except json.JSONDecodeError:
            left_out.append(f"line {number} of {name}: torn, a run may have been ended while it wrote")
        except (KeyError, TypeError, ValueError) as error:
            left_out.append(f"line {number} of {name}: not a record: {type(error).__name__}: {error}")
    return Reading(tuple(items), tuple(left_out))
