"""One run of the latency clock as it is kept: what was measured, and a file of pytest-benchmark that holds it.

Raw microseconds of two runs are not comparable: clocks, temperature and placement differ. So a cell keeps the seconds
of a frozen twin of the gather, and of a copy, that were measured in the same draws. All that is read later lies in
`extra_info` of the file's benchmarks; the rest is for pytest-benchmark's own commands.
"""

import math
import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Self

from pytest_benchmark.stats import Stats

from tests.cases.case import Case
from tests.latency.machine import Machine
from tests.latency.samples import Cell, CellSamples, Draw

SCHEMA = 2
"""Version of what `extra_info` holds. A reader leaves out files of later versions, and says so."""
TWIN, COPY = "twin", "copy"
"""Names of controls in `CellSamples.controls`."""
ABOUT = "run"
"""What `extra_info` calls the facts that all cells of a run share."""

Seconds = tuple[float, ...]


class NotARun(ValueError):
    """A file holds no run that could be read; says why."""


@dataclass(frozen=True)
class Said:
    """What was decided about a cell."""

    kind: str
    """`SLOWER`, `FASTER`, `SAME` or `INCONCLUSIVE`."""
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    """99 %, of the ratio."""


@dataclass(frozen=True)
class StoredCell:
    """What is kept of one cell: seconds a call of each draw, the median of its replays."""

    head: Seconds
    twin: Seconds = ()
    copy: Seconds = ()
    moved_bytes: int | None = None
    """That a call must read and write."""
    said: Said | None = None
    cost: Mapping[str, int] = field(default_factory=dict)
    """Figures of what was launched, such as registers a thread; empty where they were not taken."""

    def __post_init__(self) -> None:
        for name, seconds in (("head", self.head), (TWIN, self.twin), (COPY, self.copy)):
            if seconds and not (min(seconds) > 0 and max(seconds) < math.inf and sum(seconds) < math.inf):
                raise ValueError(f"{name}: expected finite seconds above 0")
            if len(seconds) not in (len(self.head), 0) or not self.head:
                raise ValueError(f"{name}: expected {len(self.head) or 'some'} draws, got {len(seconds)}")

    @classmethod
    def of(
        cls,
        samples: CellSamples,
        moved_bytes: int | None = None,
        said: Said | None = None,
        cost: Mapping[str, int] | None = None,
    ) -> Self:
        """Return what is kept of samples: those of the head, and of the controls in the same draws.

        Raises:
            ValueError: there is another number of draws of a control, or none at all, or what is no duration.
        """

        def both(draws: tuple[Draw, ...]) -> Seconds:
            return tuple(_kept(statistics.median(draw.base + draw.head)) for draw in draws)

        head = tuple(_kept(statistics.median(draw.head)) for draw in samples.draws)
        twin, copy = (both(samples.controls.get(name, ())) for name in (TWIN, COPY))
        try:
            return cls(head, twin, copy, moved_bytes, said, cost or {})
        except ValueError as error:
            raise ValueError(f"samples of {samples.cell.id}: {error}") from error

    @property
    def log_to_twin(self) -> tuple[float, ...]:
        """Of each draw, the natural logarithm of the time over the frozen twin's; empty without."""
        return tuple(math.log(own / of) for own, of in zip(self.head, self.twin, strict=False))

    @property
    def seconds(self) -> float:
        """Of a call, the median of the draws."""
        return statistics.median(self.head)

    @property
    def ratio_to_copy(self) -> float | None:
        """The time over that of a copy of as many bytes; None without."""
        ratios = [own / of for own, of in zip(self.head, self.copy, strict=False)]
        return statistics.median(ratios) if ratios else None

    @property
    def gb_per_s(self) -> float | None:
        """10^9 bytes a second that a call must read and write."""
        return None if self.moved_bytes is None else self.moved_bytes / self.seconds / 1e9

    def as_json(self) -> dict[str, Any]:
        """Return the cell as a JSON object, with figures for readers that only display."""
        ratios = [own / of for own, of in zip(self.head, self.twin, strict=False)]
        return {
            "draws": {"head": list(self.head), TWIN: list(self.twin), COPY: list(self.copy)},
            "ratio_to_twin": statistics.median(ratios) if ratios else None,
            "ratio_to_copy": self.ratio_to_copy,
            "gb_per_s": self.gb_per_s,
            "moved_bytes": self.moved_bytes,
            "cost": dict(self.cost),
            "verdict": asdict(self.said) if self.said else None,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Return the cell that `as_json` made an object of."""
        draws, said = content["draws"], content["verdict"]
        if said is not None:
            interval = said["interval"] and (float(said["interval"][0]), float(said["interval"][1]))
            said = Said(str(said["kind"]), said["ratio"], interval)
        head, twin, copy = (tuple(map(float, draws[name])) for name in ("head", TWIN, COPY))
        return cls(head, twin, copy, content["moved_bytes"], said, dict(content["cost"]))


@dataclass(frozen=True)
class About:
    """What all cells of a run share."""

    implementation: str
    twin: str
    """Which frozen twin the ratios are to; runs with another one are no baseline."""
    way: str = "gate"
    """Who measured: `gate` or `pytest`."""
    commit: str | None = None
    """What was checked out, with `-dirty` if files were new or differed."""
    branch: str | None = None
    base: str | None = None
    """The revision that was measured beside; None without."""
    verdict: str | None = None
    """What the run came to: `clean`, `findings` or `undecided`; None where nothing was decided."""
    certificate: str | None = None
    """When and of which commit the certificate was that was valid; None without."""
    seconds: float | None = None
    """How long the run took."""
    condition: Mapping[str, int] = field(default_factory=dict)
    """Clocks, temperature and power of the GPU, as the driver told them when measuring began."""
    seconds_since_epoch: float = field(default_factory=time.time)

    @property
    def may_be_baseline(self) -> bool:
        """Whether later runs may be compared with this one unasked: not if it measured a change, or was slower."""
        return self.base is None and self.verdict != "findings"


@dataclass(frozen=True)
class Run:
    """One run on one implementation."""

    about: About
    cells: Mapping[Cell, StoredCell]
    name: str = ""
    """Of its file, without the ending; empty before it is stored."""

    def as_json(self, machine: Machine) -> dict[str, Any]:
        """Return the content of a file of pytest-benchmark."""
        return {
            "machine_info": machine.as_json(),
            "commit_info": self._commit_info(),
            "benchmarks": [self._benchmark(cell, stored) for cell, stored in self.cells.items()],
            "datetime": datetime.fromtimestamp(self.about.seconds_since_epoch, UTC).isoformat(),
            "version": "5.0",
        }

    def _commit_info(self) -> dict[str, Any]:
        commit = self.about.commit or "unversioned"
        return {
            "id": commit.removesuffix("-dirty"),
            "dirty": commit.endswith("-dirty"),
            "branch": self.about.branch or "(unknown)",
            "time": None,
            "author_time": None,
            "project": "paged-gather-harness",
        }

    def _benchmark(self, cell: Cell, stored: StoredCell) -> dict[str, Any]:
        name = f"test_latency[{cell.workload}-{cell.column}]"
        stats = Stats()
        for seconds in stored.head:
            stats.update(seconds)
        return {
            "group": None,
            "name": name,
            "fullname": f"tests/test_latency.py::{name}",
            "params": {"workload": cell.workload, "function": cell.function},
            "param": f"{cell.workload}-{cell.column}",
            "extra_info": {**extra_info(cell, stored), ABOUT: asdict(self.about)},
            "options": {},
            "stats": {**{name: stats.as_dict()[name] for name in stats.fields}, "iterations": 1},
        }

    @classmethod
    def from_json(cls, content: Any, name: str = "") -> Self:
        """Return the run that a file of pytest-benchmark holds, by `as_json` or by pytest.

        Raises:
            NotARun: it holds none, or one that only a later version of the gate can read.
        """
        try:
            return cls._read(content, name)
        except NotARun:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise NotARun(f"not a run: {type(error).__name__}: {error}") from error

    @classmethod
    def _read(cls, content: Any, name: str) -> Self:
        infos = [benchmark["extra_info"] for benchmark in content["benchmarks"]]
        infos = [info for info in infos if "schema" in info]
        if not infos:
            raise NotARun("foreign, it holds no cell of this gate")
        latest = max(info["schema"] for info in infos)
        if latest > SCHEMA:
            raise NotARun(f"written by a later version of the gate (schema {latest})")
        about = infos[0][ABOUT]
        if any(info[ABOUT] != about for info in infos):
            raise NotARun("not a run: its cells are of several runs")
        cells = {Cell(**info["cell"]): StoredCell.from_json(info) for info in infos}
        return cls(_about(about), cells, name)


def _kept(seconds: float) -> float:
    return float(f"{seconds:.6g}")  # a millionth is far below what a clock tells


def is_sound(samples: CellSamples) -> bool:
    """Whether samples can be kept: what a broken clock told is not."""
    try:
        StoredCell.of(samples)
    except ValueError:
        return False
    return True


def extra_info(cell: Cell, stored: StoredCell) -> dict[str, Any]:
    """Return what a benchmark keeps of its cell."""
    return {"schema": SCHEMA, "cell": asdict(cell), **stored.as_json()}


def moved_bytes(case: Case, function: str) -> int:
    """Return the bytes that a call must read of the pool and write: keys, scales of 4 bytes, or both, of each token."""
    row = {"get_k": case.index_head_dim, "get_s": 4}.get(function, case.index_head_dim + 4)
    return 2 * case.seq_len_sum * row


def _about(content: Mapping[str, Any]) -> About:
    known = {each.name: content[each.name] for each in fields(About)}
    for name in ("implementation", "twin", "way"):
        if not isinstance(known[name], str):
            raise TypeError(f"{name}: expected a text, got {known[name]!r}")
    for name in ("commit", "branch", "base", "verdict", "certificate"):
        if not isinstance(known[name], str | None):
            raise TypeError(f"{name}: expected a text or none, got {known[name]!r}")
    return About(**{**known, "seconds_since_epoch": float(known["seconds_since_epoch"])})
