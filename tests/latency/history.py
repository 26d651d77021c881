"""The measurements of a machine, kept from run to run: a folder a machine, a line of JSON a run.

Runs of another GPU, driver or toolchain lie in folders of their own, and are never read as a baseline.

Raw microseconds of two runs are not comparable: clocks, temperature and placement differ. So a run keeps how its times
relate to those of a control that was measured in the same draws, a frozen twin of the gather.
"""

import fcntl
import hashlib
import json
import math
import os
import re
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

from tests import ROOT
from tests.calls import files
from tests.calls.errors import Foreseen
from tests.latency.machine import Machine
from tests.latency.samples import Cell, CellSamples

FOLDER = ROOT / ".gate" / "history"
SCHEMA = 1
"""Version of what a line holds. A reader leaves out lines of later versions, and says so."""
TWIN = "twin"
"""Name of the control in `CellSamples.controls`."""

Item = TypeVar("Item")
Reading = tuple[tuple[Item, ...], tuple[str, ...]]
"""What a file of history holds, oldest first, and the lines that could not be read, in words; for the report."""


class NoHistory(Foreseen):
    """There is nothing to compare with."""


@dataclass(frozen=True)
class Run:
    """One run of the latency gate on one implementation."""

    implementation: str
    twin: str
    """Which frozen twin the ratios are to; runs with another one are no baseline."""
    log_to_twin: Mapping[Cell, tuple[float, ...]]
    """Of each draw of a cell, the natural logarithm of the time over the frozen twin's."""
    commit: str | None = None
    """For the reader: what was checked out."""
    seconds_since_epoch: float = field(default_factory=time.time)

    def as_json(self) -> dict[str, Any]:
        """Return the run as a JSON object."""
        cells = [{"cell": asdict(cell), "log_to_twin": ratios} for cell, ratios in self.log_to_twin.items()]
        about = {"implementation": self.implementation, "twin": self.twin, "commit": self.commit}
        return {**about, "seconds_since_epoch": self.seconds_since_epoch, "cells": cells}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return the run that `as_json` made an object of."""
        ratios = {Cell(**row["cell"]): tuple(map(float, row["log_to_twin"])) for row in content["cells"]}
        about = content["commit"], float(content["seconds_since_epoch"])
        return cls(content["implementation"], content["twin"], ratios, *about)


def log_to_twin(samples: CellSamples) -> tuple[float, ...]:
    """Return what to keep of a cell's samples: those of the head, against the twin of the same draws; empty without.

    Raises:
        ValueError: there is another number of draws of the twin.
    """
    draws = samples.controls.get(TWIN, ())
    if draws and len(draws) != len(samples.draws):
        expected = f"expected {len(samples.draws)} draws of {TWIN}, got {len(draws)}"
        raise ValueError(f"samples of {samples.cell.id}: {expected}")
    of_twin = [statistics.median(draw.base + draw.head) for draw in draws]
    return tuple(math.log(statistics.median(d.head) / of) for d, of in zip(samples.draws, of_twin, strict=False))


class History:
    """The measurements that were kept of one machine.

    Args:
        machine: whose.
        folder: of all machines' histories; `.gate/history` of the project unless given.
    """

    def __init__(self, machine: Machine, folder: Path | None = None) -> None:
        self.machine = machine
        self._all = folder or FOLDER
        self.folder = self._all / key_of(machine)

    def add(self, run: Run) -> None:
        """Append a run.

        Raises:
            NotWritten: it cannot be written.
        """
        self._append("runs.jsonl", run.as_json())

    def runs(self) -> Reading[Run]:
        """Return the runs on this machine."""
        return self._read("runs.jsonl", Run.from_json)

    def baseline(self, implementation: str, twin: str, cell: Cell) -> list[tuple[float, ...]]:
        """Return what earlier runs of an implementation say about one cell, oldest first: `Run.log_to_twin`.

        Args:
            implementation: as it was named.
            twin: the frozen twin that ratios are to.
            cell: which.

        Raises:
            NoHistory: with what there is instead.
        """
        runs, _ = self.runs()
        if not runs:
            raise NoHistory(f"no history for {self.machine}{self._of_others()}")
        fitting = [run for run in runs if run.implementation == implementation and run.twin == twin]
        found = [run.log_to_twin[cell] for run in fitting if cell in run.log_to_twin]
        if not found:
            raise NoHistory(f"no history of {cell.id} of {implementation} for {self.machine}")
        return found

    def left_out(self) -> tuple[str, ...]:
        """Return what cannot be read of this machine's history, in words for the user."""
        return self.runs()[1] + self._certificates()[1]

    def certify(self, content: Mapping[str, Any], commit: str | None) -> None:
        """Append a certificate of what the gate was shown to see here, which then is the valid one.

        Raises:
            NotWritten: it cannot be written.
        """
        about = {"commit": commit, "seconds_since_epoch": time.time()}
        self._append("certificates.jsonl", {**about, "content": content})

    def certificate(self) -> dict[str, Any] | None:
        """Return the content of the newest certificate of the gate on this machine, or None."""
        found, _ = self._certificates()
        return found[-1] if found else None

    def _certificates(self) -> Reading[dict[str, Any]]:
        return self._read("certificates.jsonl", lambda line: line["content"])

    def _append(self, file: str, content: dict[str, Any]) -> None:
        line = json.dumps({"schema": SCHEMA, **content}, separators=(",", ":"), allow_nan=False)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            described = self.folder / "machine.json"
            if not described.exists():
                files.write_json(described, self.machine.as_json())
            _append_line(self.folder / file, line)
        except OSError as error:
            path = self.folder / file
            raise files.NotWritten(f"cannot write the history {path}: {error.strerror or error}") from error

    def _read(self, name: str, from_json: Callable[[dict[str, Any]], Item]) -> Reading[Item]:
        try:
            text = (self.folder / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return (), ()
        except OSError as error:
            return (), (f"{name} cannot be read: {error.strerror or error}",)
        return parse_lines(text, name, from_json)

    def _of_others(self) -> str:
        others = [_described(path.parent) for path in sorted(self._all.glob("*/runs.jsonl")) if path.parent.is_dir()]
        return f"; there is for {' and for '.join(others)}" if others else ", nor for any other machine"


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
        why = ""
        try:
            if line.strip():
                content = json.loads(line)
                if content["schema"] > SCHEMA:
                    why = f"written by a later version of the gate (schema {content['schema']})"
                else:
                    items.append(from_json(content))
        except RecursionError:
            why = "not a record: too deep"
        except json.JSONDecodeError:
            why = "torn, a run may have been ended while it wrote"
        except (KeyError, TypeError, ValueError) as error:
            why = f"not a record: {type(error).__name__}: {error}"
        left_out += [f"line {number} of {name}: {why}"] * bool(why)
    return tuple(items), tuple(left_out)


def key_of(machine: Machine) -> str:
    """Return the name of a machine's folder: readable, and different for different machines."""
    readable = f"{machine.gpu}-{machine.driver}-torch{machine.torch}-triton{machine.triton}"
    digest = hashlib.sha256(json.dumps(machine.as_json(), sort_keys=True).encode()).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9.]+', '-', readable).strip('-')}-{digest[:8]}"


def _append_line(path: Path, line: str) -> None:
    """Append a line, below a torn one if the last run left one. Runs of several processes do not mix."""
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(max(file.seek(0, os.SEEK_END) - 1, 0))
        is_torn = file.read(1) not in (b"", b"\n")
        file.write(b"\n" * is_torn + line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _described(folder: Path) -> str:
    try:
        return str(Machine(**json.loads((folder / "machine.json").read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError, RecursionError):
        return folder.name
