"""The measurements of a machine, kept from run to run, and the certificate of the gate on it.

Runs of another GPU, driver or toolchain lie in folders of their own, and are never read as a baseline.
"""

import json
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests import ROOT
from tests.calls import files
from tests.calls.errors import Foreseen
from tests.latency.machine import Machine
from tests.latency.samples import Cell
from tests.latency.storage import key_of, read, read_all, save
from tests.latency.stored_run import Run

FOLDER = ROOT / ".benchmarks"
"""Where pytest-benchmark looks by itself."""
SCHEMA = 1
"""Version of what a certificate's file holds."""


class NoHistory(Foreseen):
    """There is nothing to compare with."""


class History:
    """The measurements that were kept of one machine.

    Args:
        machine: whose.
        folder: of all machines' histories; pytest-benchmark's own, in the project, unless given.
    """

    def __init__(self, machine: Machine, folder: Path | None = None) -> None:
        self.machine = machine
        self._all = folder or FOLDER
        self.folder = self._all / key_of(machine)

    def add(self, run: Run) -> str:
        """Store a run, and return the name that it got.

        Raises:
            NotWritten: it cannot be written.
            ValueError: it holds numbers that JSON has not.
        """
        about = run.about
        day = datetime.fromtimestamp(about.seconds_since_epoch, UTC).strftime("%Y%m%d_%H%M%S")
        return save(self.folder, f"{(about.commit or 'unversioned')[:10]}_{day}", run.as_json(self.machine)).stem

    def runs(self) -> tuple[tuple[Run, ...], tuple[str, ...]]:
        """Return the runs on this machine, oldest first, and in words what was left out of its folder."""
        _, runs, left_out = read(self.folder)
        return runs, left_out

    def baseline(self, implementation: str, twin: str, cell: Cell) -> list[tuple[float, ...]]:
        """Return what earlier runs of an implementation say about one cell, oldest first: `StoredCell.log_to_twin`.

        Args:
            implementation: as it was named.
            twin: the frozen twin that ratios are to.
            cell: which.

        Raises:
            NoHistory: with what there is instead.
        """
        return self.baselines(implementation, twin, [cell])[cell]

    def baselines(self, implementation: str, twin: str, cells: Iterable[Cell]) -> dict[Cell, list[tuple[float, ...]]]:
        """Return the `baseline` of each cell; the files are read once."""
        runs, _ = self.runs()
        if not runs:
            raise NoHistory(f"no history for {self.machine}{self._of_others()}")
        fitting = [
            run
            for run in runs
            if (run.about.implementation, run.about.twin) == (implementation, twin) and run.about.may_be_baseline
        ]
        found = {
            cell: [run.cells[cell].log_to_twin for run in fitting if cell in run.cells and run.cells[cell].twin]
            for cell in cells
        }
        for cell, ratios in found.items():
            if not ratios:
                raise NoHistory(f"no history of {cell.id} of {implementation} for {self.machine}")
        return found

    def _of_others(self) -> str:
        others = read_all(self._all)[0]
        return f"; there is for {' and for '.join(map(str, others))}" if others else ", nor for any other machine"

    def left_out(self) -> tuple[str, ...]:
        """Return what cannot be read of this machine's history, in words for the user."""
        return self.runs()[1] + self._certificate()[1]

    def certify(self, content: Mapping[str, Any], commit: str | None) -> None:
        """Keep a certificate of what the gate was shown to see here, in place of the one before.

        Raises:
            NotWritten: it cannot be written.
        """
        path = self._certificate_path
        about = {"schema": SCHEMA, "commit": commit, "seconds_since_epoch": time.time()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise files.NotWritten(f"cannot write {path}: {error.strerror or error}") from error
        files.write_json(path, {**about, "content": dict(content)})

    def certificate(self) -> dict[str, Any] | None:
        """Return the content of the certificate of the gate on this machine, or None."""
        kept = self._certificate()[0]
        return kept["content"] if kept else None

    def certificate_name(self) -> str | None:
        """Return when and of which commit the certificate is, or None."""
        kept = self._certificate()[0]
        if kept is None:
            return None
        day = datetime.fromtimestamp(kept["seconds_since_epoch"], UTC).strftime("%Y-%m-%d")
        return f"{day} {(kept['commit'] or 'unversioned')[:10]}"

    @property
    def _certificate_path(self) -> Path:
        return self.folder / "certificate" / "certificate.json"  # a folder deeper than pytest-benchmark looks for runs

    def _certificate(self) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
        path = self._certificate_path
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["schema"] > SCHEMA:
                return None, (f"{path.name}: written by a later version of the gate (schema {kept['schema']})",)
            about = {"commit": kept["commit"], "seconds_since_epoch": float(kept["seconds_since_epoch"])}
            return {**about, "content": dict(kept["content"])}, ()
        except FileNotFoundError:
            return None, ()
        except OSError as error:
            return None, (f"{path.name} cannot be read: {error.strerror or error}",)
        except RecursionError:
            return None, (f"{path.name}: not a certificate: too deep",)
        except (KeyError, TypeError, ValueError) as error:
            return None, (f"{path.name}: not a certificate: {type(error).__name__}: {error}",)
