"""Commands as a user types them, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

from tests import ROOT

GATE = ROOT / "ci" / "gate"
SECONDS = 280
_NOT_THE_USERS = ("PYTEST_", "FORCE_COLOR", "TRITON_INTERPRET")
Ended = subprocess.CompletedProcess[str]


def run(*words: object, folder: Path = ROOT, **environment: str) -> Ended:
    """Run a command in a folder, and return how it ended, with its output and its errors as text.

    It has this process's environment without what pytest put there and what would turn colours on, and with
    `environment`.

    Raises:
        TimeoutExpired: it took longer than `SECONDS`.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_THE_USERS)}
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, env={**kept, **environment}, capture_output=True, timeout=SECONDS
    )
    # As it was written: Python's own text mode would take a lone "\r" for the end of a line.
    output, errors = (said.decode(errors="replace") for said in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, output, errors)


def python(*words: object, folder: Path = ROOT, **environment: str) -> Ended:
    """Run this Python; see `run`."""
    return run(sys.executable, *words, folder=folder, **environment)


def gate(*words: object, folder: Path = ROOT, **environment: str) -> Ended:
    """Run the gate; see `run`."""
    return python(GATE, *words, folder=folder, **environment)


def project_files(*patterns: str) -> list[str]:
    """Return the paths of the project's files, of those that match where there are patterns: as git knows or would."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns)
    assert listed.returncode == 0, listed.stderr
    return [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]
