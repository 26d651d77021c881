"""What the user sees: harmless, or else lost in a way that is no verdict."""

import io
import json
import os
import subprocess
import sys

import pytest
from rich.table import Table
from rich.text import Text

from ci.reports.console import console_on
from ci.reports.reporter import Reporter
from tests import ROOT


def shown(*renderables):
    file = io.StringIO()
    console = console_on(file)
    for renderable in renderables:
        console.print(renderable, soft_wrap=True)
    return file.getvalue()


def test_foreign_text_is_harmless_wherever_it_is_printed():
    nasty = "a\x1b[2J\u202e\n::error::b\r"
    table = Table()
    table.add_column(nasty)
    table.add_row(Text(nasty))
    output = shown(nasty, Text(nasty), Text.assemble("x ", (nasty, "bold")), table)
    assert not any(character in output for character in "\x1b\u202e\r")
    assert not any(line.lstrip().startswith("::") for line in output.splitlines())
    assert "a\\x1b[2J\\u202e\n: :error::b" in output


def test_styles_of_a_terminal_are_kept():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    file = Terminal()
    console_on(file).print(Text("\x1b[31mred", style="bold"))
    assert "\x1b[1m\\x1b[31mred\x1b[0m" in file.getvalue()


def run(script, **options):
    head = "import sys\nfrom ci.reports.console import console_on\nconsole = console_on(sys.stdout)\n"
    return subprocess.run(
        [sys.executable, "-c", head + script], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False, **options
    )


def test_a_full_disk_is_a_sentence_and_ends_the_run():
    with open("/dev/full", "w") as full:
        done = run("try:\n    console.print('x')\nexcept KeyboardInterrupt:\n    sys.exit(2)", stdout=full)
    assert (done.returncode, done.stderr) == (2, "gate: the output cannot be written: No space left on device\n")


def test_a_broken_pipe_is_a_sentence_and_ends_the_run():
    read, write = os.pipe()
    os.close(read)
    done = run("try:\n    console.print('x')\nexcept KeyboardInterrupt:\n    sys.exit(2)", stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (2, "gate: the output cannot be written: Broken pipe\n")


def test_output_that_a_thread_finds_lost_ends_the_run_too():
    script = """
import threading, time
from ci.reports.stopping import stop_on_signals
stop_on_signals()
try:
    threading.Thread(target=lambda: console.print("x")).start()
    time.sleep(20)
except KeyboardInterrupt as error:
    sys.exit(2 if "cannot be written" in str(error) else 3)
"""
    with open("/dev/full", "w") as full:
        done = run(script, stdout=full, timeout=15)
    assert (done.returncode, done.stderr) == (2, "gate: the output cannot be written: No space left on device\n")


def test_a_job_ends_with_its_report_and_its_last_line(tmp_path):
    file, path = io.StringIO(), tmp_path / "report.json"
    reporter = Reporter("examination", path, console_on(file), {"implementation": "own", "findings": []})
    assert reporter.told({"findings": [1]}, 0, "all") == 0
    assert file.getvalue() == f"report: {path}\nCLEAN: all (0 s)\n"
    head = {"report": "examination", "schema": 1, "verdict": "clean", "exit_code": 0, "seconds": 0.0}
    assert json.loads(path.read_text()) == {**head, "implementation": "own", "findings": [1]}


def test_a_report_that_cannot_be_written_makes_the_last_line_undecided():
    file = io.StringIO()
    assert Reporter("cost", ROOT / "/dev/full", console_on(file)).told({}, 0, "all", "same") == 2
    assert file.getvalue().splitlines()[-2] == "without its report it would be: SAME: all (0 s)"
    assert file.getvalue().splitlines()[-1] == "UNDECIDED: cannot write /dev/full: No space left on device"


@pytest.mark.parametrize("code", [0, 1])
def test_output_that_is_lost_at_the_end_makes_the_report_undecided(tmp_path, code):
    path = tmp_path / "report.json"
    script = f"""
from pathlib import Path
from ci.reports.reporter import Reporter
sys.exit(Reporter("cost", Path({str(path)!r}), console).told({{}}, {code}, "all", "same"))
"""
    with open("/dev/full", "w") as full:
        done = run(script, stdout=full)
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert json.loads(path.read_text())["exit_code"] == 2
