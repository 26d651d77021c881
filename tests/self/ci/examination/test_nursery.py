"""Are those who examine forked from one process, which imports nothing that is examined, and do they end alike?"""

import signal
import socket

import pytest

from ci.examination import forked
from tests.self import commands

NOTES = """
import os, pathlib

with pathlib.Path({notes!r}).open("a") as file:
    file.write(f"{{os.getpid()}} {{os.getppid()}}\\n")

from kernels.peers.torch_indexing import get_k
"""


@pytest.mark.parametrize("status", [0, 3, -signal.SIGTERM, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGALRM])
def test_who_stands_for_a_worker_ends_as_it_did(status):
    ended = commands.python("-I", "-c", f"import runpy; runpy.run_path({forked.__file__!r})['end_as']({status})")
    assert ended.returncode == status


def test_what_is_examined_is_imported_by_forks_alone(tmp_path):
    notes, mine = tmp_path / "notes", tmp_path / "mine.py"
    mine.write_text(NOTES.format(notes=str(notes)))
    cases = ("--case", "lengths/page", "--case", "lengths/one-token")
    done = commands.gate("--impl", mine, "--contract", "trusting", "--device", "cpu", "-n", "2", *cases)
    assert done.returncode == 0, done.stdout + done.stderr
    look, *workers = [line.split() for line in notes.read_text().splitlines()]
    assert len(workers) == 2
    assert len({number for number, _ in (look, *workers)}) == 3
    assert {parent for _, parent in workers} == {look[1]}


def test_a_socket_may_lie_deep(tmp_path):
    """`TMPDIR` may be longer than a socket's name."""
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as asking:
        listener.bind(forked.within_reach(str(folder / "socket")))
        listener.listen()
        asking.connect(forked.within_reach(str(folder / "socket")))
        asking.send(b"x")
        assert listener.accept()[0].recv(1) == b"x"
