"""A job and its processes: what one tells arrives, whatever else is printed, and nobody outlives anybody."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ci.processes import FOLDER, CannotRun, Process, TookTooLong
from tests import ROOT

CHILD = "tests.self.ci.child"
LOG = "test-processes.log"


def told(order, **options):
    with Process(CHILD, LOG, **options) as process:
        return [message["value"] for message in process.messages(order)]


def is_alive(number):
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def ends_within(seconds, *numbers):
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(map(is_alive, numbers)):
        time.sleep(0.05)
    return not any(map(is_alive, numbers))


def test_messages_arrive_in_order_and_may_be_long():
    values = ["a", {"b": [1, "é\u202e\n"]}, "x" * 300_000, None]
    assert told([["tell", value] for value in values]) == values


@pytest.mark.parametrize(
    "printed", ["loud\n", "no end of line", '@@0123456789abcdef {"value": 3}\n', '@@ {"end": true}\n', "a\rb", "\0\n"]
)
def test_what_else_is_printed_is_no_message(printed):
    assert told([["print", printed], ["tell", 1], ["print", printed], ["tell", 2]]) == [1, 2]


def test_other_lines_come_between_the_messages_and_after_the_end():
    order = [["print", "first\n"], ["tell", 1], ["print", "second"], ["tell", 2]]
    with Process(CHILD, LOG, before=["sh", "-c", '"$@"; echo after', "sh"]) as process:
        heard = [item for item in process.lines(order) if item]
    assert heard == ["first", {"value": 1}, "second", {"value": 2}, "after"]


def test_a_foreseen_error_arrives_as_its_sentence_and_any_other_with_its_class():
    with pytest.raises(CannotRun, match=r"^the GPU is busy$"):
        told([["foreseen", "the GPU is busy"]])
    with pytest.raises(CannotRun, match=r"^RuntimeError: no$"):
        told([["fault", "no"]])
    with pytest.raises(CannotRun, match=r"^SystemExit: 0$"):
        told([["exit", 0]])


def test_the_traceback_of_a_fault_is_in_the_log():
    log = f"test-processes-{os.getpid()}.log"
    try:
        with Process(CHILD, log) as process, pytest.raises(CannotRun):
            list(process.messages([["fault", "no\nmore of it"]]))
        assert "Traceback" in (FOLDER / log).read_text()
        assert "more of it" in (FOLDER / log).read_text()
        with Process(CHILD, log) as process:
            list(process.messages([["stderr", "\x1b[2J\n::error::"]]))
        assert (FOLDER / log).read_text() == "\\x1b[2J\n: :error::\n"
    finally:
        (FOLDER / log).unlink()


def test_what_was_told_before_an_error_arrives():
    heard: list[object] = []
    with Process(CHILD, LOG) as process, pytest.raises(CannotRun):
        heard += process.messages([["tell", 1], ["fault", "no"]])
    assert heard == [{"value": 1}]


def test_a_process_that_a_signal_ends_is_told_with_its_last_words():
    with pytest.raises(CannotRun, match=r"^the process was ended by SIGSEGV: last words$"):
        told([["stderr", "last words"], ["signal", "SIGSEGV"]])


CUDA = """Traceback (most recent call last):
  File "x.py", line 1, in <module>
torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device
CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.
For debugging consider passing CUDA_LAUNCH_BLOCKING=1
Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.
"""


def test_an_error_of_cuda_is_told_by_its_first_line():
    with pytest.raises(CannotRun, match=r"SIGABRT: torch.AcceleratorError: CUDA error: no kernel image is available"):
        told([["stderr", CUDA], ["signal", "SIGABRT"]])


def test_silence_and_length_are_told_apart():
    start = time.monotonic()
    with pytest.raises(TookTooLong, match="the process said nothing for 1 s"):
        told([["sleep", 60]], patience=1, limit=50)
    with pytest.raises(TookTooLong, match="the process was not done after 2 s"):
        told([["tell", 1], ["sleep", 1], ["tell", 1], ["sleep", 60]], patience=1.9, limit=2)
    assert time.monotonic() - start < 20


def test_a_process_that_speaks_is_not_silent():
    assert told([["print", "x\n"], ["sleep", 1.2]] * 3, patience=30) == []


def test_without_an_order_nothing_is_done():
    done = subprocess.run(
        [sys.executable, "-m", CHILD], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_examined_code_reads_the_end_of_input():
    assert told([["read"]]) == [""]


def test_what_examined_code_does_to_its_output_stops_no_message():
    assert told([["close"], ["tell", 1]]) == [1]


def test_closing_ends_all_that_the_process_started():
    with Process(CHILD, LOG) as process:
        messages = process.messages([["start"], ["sleep", 60]])
        started = next(messages)["value"]
        assert is_alive(started)
    assert ends_within(2, started)


def test_what_a_dead_process_started_does_not_keep_the_job_waiting():
    start = time.monotonic()
    with Process(CHILD, LOG) as process:
        messages = process.messages([["start"], ["signal", "SIGKILL"]])
        started = next(messages)["value"]
        with pytest.raises(CannotRun, match="SIGKILL"):
            next(messages)
    assert time.monotonic() - start < 30
    assert ends_within(2, started)


@pytest.mark.parametrize("tool", [(), ("sh", "-c", '"$@"; true', "sh")], ids=["alone", "under-a-tool"])
def test_a_process_ends_when_its_job_is_killed(tool):
    script = f"""
from ci.processes import Process
with Process({CHILD!r}, {LOG!r}, before={tool!r}) as process:
    for message in process.messages([["pid"], ["start"], ["sleep", 60]]):
        print(message["value"], flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        numbers = [int(job.stdout.readline()) for _ in range(2)]
        assert all(map(is_alive, numbers))
        os.kill(job.pid, signal.SIGKILL)
        job.wait()
        assert ends_within(2, *numbers)


def test_jobs_that_share_a_logs_name_do_not_share_its_words():
    with Process(CHILD, LOG) as first, Process(CHILD, LOG) as second:
        for process, words in ((first, "of the first"), (second, "of the second")):
            with pytest.raises(CannotRun, match=f": {words}$"):
                list(process.messages([["stderr", words], ["signal", "SIGABRT"]]))
