"""A worker, as pytest-xdist starts one: the nursery forks it with this process's input and output, and it ends alike.

`python forked.py SOCKET`; other words of the command line are for a Python that starts anew. It is run by itself, with
nothing of the project, so that it starts in no time.
"""

import os
import resource
import signal
import socket
import sys
from typing import NoReturn


def main(address: str) -> NoReturn:
    """Ask for a worker, hand on interrupts, and end as it ends."""
    with socket.socket(socket.AF_UNIX) as nursery:
        nursery.connect(within_reach(address))
        socket.send_fds(nursery, [b"\n"], [0, 1, 2])
        signal.signal(signal.SIGINT, lambda number, frame: nursery.send(bytes([number])))
        told = nursery.recv(16)
    if not told:
        sys.exit("the process that workers are forked from is gone")
    end_as(int(told))


def within_reach(address: str) -> str:
    """Return another name of a socket's file: its own may be longer than the 107 bytes that a socket takes."""
    folder, name = os.path.split(address)
    return f"/proc/self/fd/{os.open(folder, os.O_PATH | os.O_DIRECTORY)}/{name}"


def end_as(status: int) -> NoReturn:
    """End this process as another did, by its exit status or, where that is negative, its signal."""
    if status < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the other has left one
        if status != -signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1])
