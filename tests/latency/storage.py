"""Files of runs in pytest-benchmark's storage: a folder a machine, `NNNN_commit_time.json` a run.

A file is there whole or not at all, whenever the writer is ended; writers of several processes take turns. What is
found damaged or foreign is left out, and told.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_benchmark.storage.file import FileStorage

from tests.calls import files
from tests.latency.machine import Machine
from tests.latency.stored_run import NotARun, Run

_NUMBER = re.compile(r"(\d{4,})_")
_TEMPORARY = ".being-written"


def key_of(machine: Machine) -> str:
    """Return the name of a machine's folder: readable, and different for different machines."""
    readable = f"{machine.gpu}-{machine.driver}-torch{machine.torch}-triton{machine.triton}"
    digest = hashlib.sha256(json.dumps(machine.as_json(), sort_keys=True).encode()).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9.]+', '-', readable).strip('-')}-{digest[:8]}"


def save(folder: Path, tag: str, content: dict[str, Any]) -> Path:
    """Write a run's file under the next number, and return its path; once it returned, the file stays.

    Args:
        folder: of the machine; made if it is not there.
        tag: what follows the number in the file's name.
        content: as pytest-benchmark has it.

    Raises:
        NotWritten: it cannot be written.
        ValueError: it holds numbers that JSON has not.
    """
    text = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            path = folder / f"{_next_number(folder):04}_{re.sub(r'[^A-Za-z0-9._-]+', '-', tag)}.json"
            temporary = folder / _TEMPORARY  # of a writer that was ended, if there is one: nobody else writes now
            with temporary.open("wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            return path
    except OSError as error:
        raise files.NotWritten(f"cannot write the history {folder}: {error.strerror or error}") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other writers out; a writer that is ended lets go by itself."""
    with (folder / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _next_number(folder: Path) -> int:
    numbers = (_NUMBER.match(entry.name) for entry in os.scandir(folder))
    return max((int(found[1]) for found in numbers if found), default=0) + 1


def run_files(folder: Path) -> list[Path]:
    """Return the files of a machine's folder that could be runs, by number."""

    def place(path: Path) -> tuple[int, str]:
        found = _NUMBER.match(path.name)
        return int(found[1]) if found else 0, path.name

    return sorted(folder.glob("*.json"), key=place)


def read(folder: Path) -> tuple[Machine | None, tuple[Run, ...], tuple[str, ...]]:
    """Return a machine, its runs, oldest first, and in words what of its folder is left out."""
    machine: Machine | None = None
    runs: list[Run] = []
    left_out: list[str] = []
    for path in run_files(folder):
        try:
            content = json.loads(path.read_bytes())
            run = Run.from_json(content, path.stem)
            described = machine if machine and content["machine_info"] == machine.as_json() else _machine_of(content)
            if key_of(described) != folder.name:
                raise NotARun("foreign, it is of another machine")
        except OSError as error:
            left_out.append(f"{path.name} cannot be read: {error.strerror or error}")
        except RecursionError:
            left_out.append(f"{path.name}: not a run: too deep")
        except NotARun as error:
            left_out.append(f"{path.name}: {error}")
        except ValueError:
            left_out.append(f"{path.name}: not JSON, it was not written whole")
        else:
            machine = described
            runs.append(run)
    return machine, tuple(runs), tuple(left_out)


def read_all(folder: Path) -> tuple[dict[Machine, tuple[Run, ...]], tuple[str, ...]]:
    """Return the runs of each machine below a folder, and in words what is left out."""
    machines: dict[Machine, tuple[Run, ...]] = {}
    left_out: list[str] = []
    for below in sorted(folder.iterdir()) if folder.is_dir() else []:
        if below.is_dir():
            machine, runs, told = read(below)
            left_out += [f"{below.name}/{sentence}" for sentence in told]
            if machine is not None:
                machines[machine] = runs
    return machines, tuple(left_out)


def _machine_of(content: dict[str, Any]) -> Machine:
    try:
        info = content["machine_info"]
        return Machine(**{name: str(info[name]) for name in Machine.__dataclass_fields__})
    except (KeyError, TypeError) as error:
        raise NotARun("foreign, it names no machine") from error


class WholeFiles(FileStorage):
    """pytest-benchmark's storage of one machine, whose files are written as all of this project's are."""

    def save(self, output_json: dict[str, Any], save: str) -> None:
        """Write a run's file, and say where it is."""
        path = _save(self.path / self.default_machine_id, save, output_json)
        self.logger.info(f"Saved benchmark data in: {path}")


_save = save
