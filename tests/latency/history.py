"""The measurements of a machine, kept from run to run: a folder a machine, a line of JSON a run.

Runs of another GPU, driver or toolchain lie in folders of their own, and are never read as a baseline.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import ROOT
from tests.calls import files
from tests.calls.errors import Foreseen
from tests.latency.machine import Machine
from tests.latency.records import CellSummary, Certificate, Item, Reading, Run, parse_lines
from tests.latency.samples import Cell

FOLDER = ROOT / ".gate" / "history"


class NoHistory(Foreseen):
    """There is nothing to compare with."""


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
        return _read(self.folder / "runs.jsonl", Run.from_json)

    def baseline(self, implementation: str, twin: str, cell: Cell) -> tuple[CellSummary, ...]:
        """Return what earlier runs of an implementation say about one cell, oldest first.

        Args:
            implementation: as it was named.
            twin: the frozen twin that ratios are to.
            cell: which.

        Raises:
            NoHistory: with what there is instead.
        """
        runs = self.runs().items
        if not runs:
            raise NoHistory(f"no history for {self.machine}{self._of_others()}")
        fitting = [run for run in runs if run.implementation == implementation and run.twin == twin]
        found = tuple(summary for run in fitting for summary in run.cells if summary.cell == cell)
        if not found:
            raise NoHistory(f"no history of {cell.id} of {implementation} for {self.machine}")
        return found

    def left_out(self) -> tuple[str, ...]:
        """Return what cannot be read of this machine's history, in words for the user."""
        return self.runs().left_out + self._certificates().left_out

    def certify(self, certificate: Certificate) -> None:
        """Append a certificate, which then is the valid one.

        Raises:
            NotWritten: it cannot be written.
        """
        self._append("certificates.jsonl", certificate.as_json())

    def certificate(self) -> Certificate | None:
        """Return the newest certificate of the gate on this machine, or None."""
        found = self._certificates().items
        return found[-1] if found else None

    def _certificates(self) -> Reading[Certificate]:
        return _read(self.folder / "certificates.jsonl", Certificate.from_json)

    def _append(self, file: str, content: dict[str, Any]) -> None:
        line = json.dumps(content, separators=(",", ":"), allow_nan=False)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            described = self.folder / "machine.json"
            if not described.exists():
                files.write_json(described, self.machine.as_json())
            _append_line(self.folder / file, line)
        except OSError as error:
            raise files.NotWritten(
                f"cannot write the history {self.folder / file}: {error.strerror or error}"
            ) from error

    def _of_others(self) -> str:
        others = [_described(path.parent) for path in sorted(self._all.glob("*/runs.jsonl")) if path.parent.is_dir()]
        return f"; there is for {' and for '.join(others)}" if others else ", nor for any other machine"


def key_of(machine: Machine) -> str:
    """Return the name of a machine's folder: readable, and different for different machines."""
    readable = f"{machine.gpu}-{machine.driver}-torch{machine.torch}-triton{machine.triton}"
    digest = hashlib.sha256(json.dumps(machine.as_json(), sort_keys=True).encode()).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9.]+', '-', readable).strip('-')}-{digest[:8]}"


def _read(path: Path, from_json: Callable[[dict[str, Any]], Item]) -> Reading[Item]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return Reading((), ())
    except OSError as error:
        return Reading((), (f"{path.name} cannot be read: {error.strerror or error}",))
    return parse_lines(text, path.name, from_json)


def _append_line(path: Path, line: str) -> None:
    """Append a line, below a torn one if the last run left one. Runs of several processes do not mix."""
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            is_torn = file.read(1) != b"\n"
        else:
            is_torn = False
        file.write((b"\n" if is_torn else b"") + line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _described(folder: Path) -> str:
    try:
        return str(Machine(**json.loads((folder / "machine.json").read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError, RecursionError):
        return folder.name
