"""The process that all who examine are forked from: it imports torch, Triton and the harness once, for everybody.

It imports nothing that is examined, and leaves the GPU alone, whose context does not outlive a fork. Its first fork
looks for the device and its second at what there is to examine, as `probe` says; the others are pytest-xdist's workers,
which `forked` asks for.
"""

import gc
import importlib
import json
import os
import select
import shlex
import signal
import socket
import sys
import tempfile
import traceback
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import Any, NoReturn, Self

from ci.examination import forked
from ci.examination.probe import Answer, answer
from ci.processes import CannotRun, Process, serve, tell
from tests.calls.errors import Foreseen, short
from tests.examine.selection import Selection

PATIENCE_SECONDS = 300.0
"""How long the import of an implementation may take; some compile extensions at that time."""
_FOR_ANY_DEVICE = ("pytest", "xdist.remote")
_WITH_TRITON = (
    "tests.plugin.hooks",
    "tests.plugin.fixtures",
    "tests.examine.examination",
    "kernels.peers.installed",
)
_FOR_A_DEVICE = {
    "cpu": ("tests.examine.checking", "tests.instruments.absent_gpu", "tests.instruments.red_zones"),
    "cuda": ("tests.instruments.fenced_memory.cuda",),
}
"""What those who examine import; what is missing here each imports for itself."""
_MEANWHILE = (
    "pytest_benchmark.plugin",
    "pytest_benchmark.storage.file",
    "xdist.looponfail",
    "tests.latency.storage",
    "tests.latency.stored_run",
    "_pytest.faulthandler",
    "_pytest.junitxml",
    "_pytest.skipping",
    "_pytest.unittest",
    "torch.utils._device",
    "triton.experimental.gluon",
)
"""What pytest's plugins and Triton import at last; no Triton has to have all."""
Told = dict[str, Any]


class Nursery:
    """The process, as the job sees it. A context manager.

    Args:
        selection: what is to be examined.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._folder = tempfile.TemporaryDirectory(prefix="gate-")
        self._socket = str(Path(self._folder.name) / "socket")
        self._process = Process("ci.examination.nursery", f"probe-{os.getpid()}.log", patience=PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.close()
        self._folder.cleanup()

    @property
    def python(self) -> str:
        """The command that stands for a worker's Python, once there is an answer."""
        return shlex.join([sys.executable, "-I", "-S", forked.__file__, self._socket])

    def ask(self) -> Answer:
        """Return what the selection comes to on this machine.

        Raises:
            Foreseen: there is nothing to examine, or nothing to examine it on.
        """
        order = {"selection": self._selection.as_json(), "socket": self._socket, "path": os.environ.get("PYTHONPATH")}
        try:
            told = next(self._process.messages(order))
        except CannotRun as error:
            raise Foreseen(f"--impl {self._selection.implementation}: its import: {error}") from error
        if "refusal" in told:
            raise Foreseen(told["refusal"])
        self._process.patience = inf
        return Answer(**told)


def _work(order: Mapping[str, Any]) -> None:
    """Tell the answer to an order, and then fork workers until the job is over."""
    selection = Selection.from_json(order["selection"])
    importlib.import_module("torch")  # first: it knows best which GPUs it can use
    from tests.plugin.devices import choose_device

    fork = _Fork(lambda: {"device": choose_device(selection.device)})
    _import(_FOR_ANY_DEVICE)
    told = fork.told()
    if "device" in told:
        if told["device"] == "cpu":
            choose_device("cpu")  # Triton, which is imported next, asks whether it is to interpret
        _import((*_WITH_TRITON, *_FOR_A_DEVICE[told["device"]]))
        gc.freeze()  # what no fork ever frees
        fork = _Fork(lambda: asdict(answer(selection)))
        if told["device"] == "cuda":
            from tests.instruments.triton_seams import read_own_files

            read_own_files()
        for module in _MEANWHILE:
            with suppress(ImportError):
                importlib.import_module(module)
        told = fork.told()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(forked.within_reach(order["socket"]))
        listener.listen()
        tell(**told)
        if "functions" in told:
            os.environ.pop("PYTHONPATH")
            os.environ |= {"PYTHONPATH": order["path"]} if order["path"] else {}
            _Workers(listener).serve()


def _fork() -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # Python's advice against forks beside threads: those here wait in a system call.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _import(modules: Sequence[str]) -> None:
    for module in modules:
        importlib.import_module(module)


class _Fork:
    """A fork that looks at something.

    Args:
        look: returns what it says.
    """

    def __init__(self, look: Callable[[], Told]) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed when it is read

        def work() -> None:
            json.dump(_told(look), self._file)
            self._file.flush()

        self._number = _fork()
        if not self._number:
            _exit_after(work)

    def told(self) -> Told:
        """Return what it says, or its `refusal` or `error`; end as it does where it says nothing."""
        status = os.waitstatus_to_exitcode(os.waitpid(self._number, 0)[1])
        with self._file:
            self._file.seek(0)
            said = self._file.read()
        if status or not said:
            forked.end_as(status)
        return json.loads(said)


def _told(look: Callable[[], Told]) -> Told:
    try:
        return look()
    except Foreseen as error:
        return {"refusal": str(error)}
    except BaseException as error:
        traceback.print_exc()
        return {"error": short(error)}


def _exit_after(work: Callable[[], object]) -> NoReturn:
    """Work, and end this process; whatever examined code does at exit is not the question."""
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class _Workers:
    """Forks a worker for each process that asks, which gets told how it ended. One that is gone needs none.

    Args:
        listener: where they ask.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._asked: dict[int, socket.socket] = {}
        """Who asked for a worker, by the number of its process."""
        self._ends, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def serve(self) -> NoReturn:
        """Serve until this process is ended."""
        while True:
            sources: list[Any] = [self._ends, self._listener, *self._asked.values()]
            ready = select.select(sources, [], [])[0]
            for number, asking in list(self._asked.items()):
                if asking in ready:
                    word = asking.recv(1)
                    os.kill(number, word[0] if word else signal.SIGKILL)
                    if not word:
                        self._asked.pop(number).close()
            if self._ends in ready:
                os.read(self._ends, 4096)
                self._tell_ends()
            if self._listener in ready:
                self._fork_one()

    def _tell_ends(self) -> None:
        with suppress(ChildProcessError):  # there are no more
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                asking = self._asked.pop(ended[0], None)
                if asking is not None:
                    with asking, suppress(BrokenPipeError):
                        asking.send(str(os.waitstatus_to_exitcode(ended[1])).encode())

    def _fork_one(self) -> None:
        asking, _ = self._listener.accept()
        _, streams, _, _ = socket.recv_fds(asking, 1, 3)
        number = _fork()
        if not number:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for mine in (self._listener, asking, *self._asked.values()):
                mine.close()
            _exit_after(lambda: _be_worker(streams))
        self._asked[number] = asking
        for stream in streams:
            os.close(stream)


def _be_worker(streams: Sequence[int]) -> None:
    """Do what `python -c` does with the words that execnet starts a Python with."""
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    sys.argv = ["-c"]
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    exec("import sys; exec(eval(sys.stdin.readline()))", vars(main))


if __name__ == "__main__":
    with suppress(Exception):  # the work says so, too
        importlib.import_module("torch")  # takes longest, and does not depend on the order
    serve(_work)
