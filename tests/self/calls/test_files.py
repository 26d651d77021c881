"""Files of a run: none is lost, none is half, and what cannot be written is told in a sentence."""

import json
import os
import stat
import subprocess
import sys
import threading

import pytest

from tests import ROOT
from tests.calls import files
from tests.calls.files import NotWritten

REPORT = {"report": "examination", "exit_code": 0}


def test_a_file_is_written_whole_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "report.json"
    for verdict in ("clean", "findings"):
        files.write_json(path, {"verdict": verdict})
    assert json.loads(path.read_text()) == {"verdict": "findings"}
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_json_leaves_the_earlier_report(tmp_path):
    path = tmp_path / "report.json"
    files.write_json(path, REPORT)
    with pytest.raises(TypeError):
        files.write_json(path, {"verdict": object()})
    assert json.loads(path.read_text()) == REPORT
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_of_any_file_or_of_the_earlier_one(tmp_path):
    path, other = tmp_path / "new", tmp_path / "other"
    other.touch()
    files.write(path, "x")
    assert path.stat().st_mode == other.stat().st_mode
    path.chmod(0o640)
    files.write(path, "y")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("content", ["import torch\n", "[]", '{"name": 1}', "[" * 100_000, "\0"])
def test_what_is_no_report_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "p.py"
    path.write_text(content)
    with pytest.raises(NotWritten, match=r"will not write .*p.py: what is there is no earlier report"):
        files.refuse_unless_replaceable(path)
    assert path.read_text() == content


@pytest.mark.parametrize("content", ["", json.dumps(REPORT)])
def test_an_earlier_report_may_be_replaced_and_stays_until_then(tmp_path, content):
    path = tmp_path / "report.json"
    path.write_text(content)
    files.refuse_unless_replaceable(path)
    files.refuse_unless_replaceable(tmp_path / "absent.json")
    assert path.read_text() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("place", "why"), [(".", "it is a folder"), ("no-folder/report.json", "No such file")])
def test_where_no_report_can_be(tmp_path, place, why):
    with pytest.raises(NotWritten, match=f"cannot write .*: {why}"):
        files.refuse_unless_replaceable(tmp_path / place)


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    folder = tmp_path / "below"
    folder.mkdir()
    link, target = tmp_path / "link.json", folder / "report.json"
    link.symlink_to("below/report.json")
    for _ in range(2):  # it leads nowhere at first
        files.refuse_unless_replaceable(link)
        files.write_json(link, REPORT)
        assert link.is_symlink()
        assert json.loads(target.read_text()) == REPORT
    target.write_text("mine")
    with pytest.raises(NotWritten, match="no earlier report"):
        files.refuse_unless_replaceable(link)


def test_a_link_in_a_circle_is_told(tmp_path):
    link = tmp_path / "a"
    link.symlink_to("a")
    with pytest.raises(NotWritten, match="cannot write"):
        files.refuse_unless_replaceable(link)


def test_a_full_device_is_told_and_stays(tmp_path):
    link = tmp_path / "full"
    link.symlink_to("/dev/full")
    for path in (link, link.readlink()):
        files.refuse_unless_replaceable(path)
        with pytest.raises(NotWritten, match=r"cannot write .*full: No space left on device"):
            files.write_json(path, REPORT)
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_a_pipe_is_written_through(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    files.refuse_unless_replaceable(path)
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.append(path.read_text()))
    reader.start()
    files.write_json(path, REPORT)
    reader.join(10)
    assert json.loads(heard[0]) == REPORT
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_keeps_what_else_is_written_there(tmp_path, name):
    script = f"""
from pathlib import Path
from tests.calls import files
print("before", flush=True)
files.refuse_unless_replaceable(Path({name!r}))
files.write(Path({name!r}), "report\\n")
print("after", flush=True)
"""
    output = tmp_path / "output"
    with output.open("w") as file:
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=file, check=True)
    assert output.read_text() == "before\nreport\nafter\n"


def test_what_is_written_is_harmless(tmp_path):
    path = tmp_path / "report.json"
    files.write_json(path, {"message": "\x1b[2J::error::\u202e"})
    assert json.loads(path.read_text()) == {"message": "\\x1b[2J::error::\\u202e"}
    files.write(path, "<p>\u202e\x1b")
    assert path.read_text() == "<p>\\u202e\\x1b"
    files.append(path, "\n::error::\n")
    assert path.read_text() == "<p>\\u202e\\x1b\n: :error::\n"


def test_a_log_is_made_harmless(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"fine\n\xff\x1b[31m\n::error::x\n")
    files.make_harmless(path)
    assert path.read_text() == "fine\n\ufffd\\x1b[31m\n: :error::x\n"


def test_a_log_on_a_full_disk_is_told():
    with pytest.raises(NotWritten, match="No space left"):
        files.append(ROOT / "/dev/full", "x")
