"""What the gate says of odd implementations: exit code, findings and the one line that a user sees."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests import ROOT
from tests.planted.odd import CLEAN, EXIT_CODES, FEW, FINDINGS, FOLDER, RIGHT, WRONG, Odd, styles, wrong

MINUTES = 40
"""Most that a run may take: the whole quick catalogue, in one process on a busy machine."""


@dataclass(frozen=True)
class Said:
    """What the gate said of an implementation."""

    code: int
    printed: str
    rules: frozenset[int]
    """Those that findings cite, by the report; none without a report."""

    @property
    def last_line(self) -> str:
        return self.printed.strip().splitlines()[-1]


def said_of(implementation: Odd, folder: Path) -> Said:
    """Examine an implementation on its cases, or on all of a quick run if it names none."""
    report = folder / "report.json"
    command = [sys.executable, str(ROOT / "ci" / "gate"), "--impl", implementation.placed(folder)]
    command += ["--contract", implementation.contract, "--device", "cpu", "-n", "1", "--quick", "--json", str(report)]
    command += [word for case in implementation.cases for word in ("--case", case)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TRITON_"))}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60 * MINUTES, check=False
    )
    findings = json.loads(report.read_text())["findings"] if report.is_file() else []
    return Said(done.returncode, done.stdout + done.stderr, frozenset(found["rule"] for found in findings))


def check(implementation: Odd, said: Said) -> None:
    """Check that the gate said what the table has, and nothing of the implementation's own but harmless text."""
    assert said.code == EXIT_CODES[implementation.verdict], said.printed
    assert said.last_line.startswith(f"{implementation.verdict}: "), said.printed
    assert re.search(implementation.says, said.last_line), said.printed
    assert said.rules == set(implementation.rules)
    assert "Traceback" not in said.printed
    assert "\x1b" not in said.printed
    assert re.search(r"^(::|CLEAN: PLANTED)", said.printed, re.MULTILINE) is None


def rows(implementations: Iterable[Odd]) -> list[object]:
    """Return parameters of a test, of which all but a few are long."""
    return [
        pytest.param(item, id=item.name, marks=[] if item.is_default else [pytest.mark.long])
        for item in implementations
    ]


@pytest.mark.parametrize("implementation", rows([*RIGHT, *WRONG]))
def test_verdict(implementation, tmp_path):
    check(implementation, said_of(implementation, tmp_path))


@pytest.mark.long
@pytest.mark.parametrize("implementation", rows(item for item in RIGHT if not item.is_slow))
def test_right_ones_are_clean_on_all_quick_cases(implementation, tmp_path):
    whole = replace(implementation, cases=(), says="")
    check(whole, said_of(whole, tmp_path))


def test_every_implementation_has_a_row():
    files = {f"{path.parent.name}/{path.name}" for path in FOLDER.glob("*/*.py") if path.name != "__init__.py"}
    objects = {f"wrong.py:{name}" for name, value in vars(wrong).items() if name[0].islower() and callable(value)}
    assert {item.file for item in (*RIGHT, *WRONG) if not item.edits} == files | objects
    edited = {name for name, value in vars(styles).items() if name[0].isupper() and isinstance(value, dict)}
    assert {item.file.partition(".")[0].upper() for item in RIGHT if item.edits} == edited


def test_rows_are_verdicts_of_the_table():
    assert len(RIGHT) >= 12
    assert len(WRONG) >= 12
    assert {item.verdict for item in RIGHT} == {CLEAN}
    assert all(bool(item.rules) == (item.verdict == FINDINGS) for item in WRONG)
    assert all(item.cases for item in WRONG)
    assert len(FEW) >= 3, "an error that all calls raise is told as one from three cases on"
