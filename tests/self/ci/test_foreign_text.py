"""Examined code that writes to steer what shows its words: to no avail, at any way out."""

import json
import re

import pytest

from ci.reports.step_summary import markdown
from tests.self import commands

NASTY = "\x1b[2J\r\u202e\n::error::planted\n##[error]planted <script>alert(1)</script> | `x`"
SOURCE = f'''
import os
print({NASTY!r}, flush=True)
os.write(2, {NASTY!r}.encode())

def get_k(*arguments):
    """{{}}"""
    print({NASTY!r}, flush=True)
    os.write(2, {NASTY!r}.encode())
    raise RuntimeError({NASTY!r})
'''


def harms(text):
    """Return what a terminal or a CI would take for an order."""
    return [*re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)] + [
        line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line
    ]


@pytest.mark.parametrize("arguments", [("--device", "cpu", "-n", "1", "--case", "lengths/page"), ("cost",)])
def test_nothing_harmful_comes_out(tmp_path, arguments):
    path, report = tmp_path / "nasty.py", tmp_path / "report.json"
    path.write_text(SOURCE)
    done = commands.gate(*arguments, "--impl", path, "--json", report, folder=tmp_path)
    output = done.stdout + done.stderr
    assert "\\x1b[2J" in output
    assert harms(output) == []
    told = json.loads(report.read_text())
    assert "x1b[2J" in str(told["findings"]) + str(told["undecided"])
    assert harms(report.read_text()) == []
    summary = markdown("x.json", told)
    assert harms(summary) == []
    assert not re.search(r"(?<!\\)<script", summary)
    for log in re.findall(r"full output: (.*)", output):
        text = (tmp_path / log).read_text()
        assert "planted" in text
        assert harms(text) == []


def test_what_would_be_harm_is_seen():
    assert len(harms(NASTY)) == 5
