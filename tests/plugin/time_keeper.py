"""Ends workers whose test takes too long, from outside: what hangs may never come back to Python."""

import json
import os
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

ALARM = signal.SIGALRM
"""On this signal a worker writes where it is, and ends."""
LOOK_SECONDS = 0.5
GRACE_SECONDS = 2.0
"""What a worker has to end by itself."""


def trace_in(path: Path) -> dict[str, Any]:
    """Return the last content of a worker's trace file, nothing if there is none."""
    try:
        first, *steps = path.read_text(encoding="utf-8").splitlines()
        content = json.loads(first)
        if isinstance(content, dict) and steps:
            content["function"], content["step"] = json.loads(steps[-1])
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


class TimeKeeper:
    """Looks at the workers' traces while they run.

    Args:
        traces: their folder.
        limit: seconds that a test may take.
    """

    def __init__(self, traces: Path, limit: float) -> None:
        self._traces = traces
        self._limit = limit
        self._lock = threading.Lock()
        self._workers: set[str] = set()
        self._alarmed: dict[str, float] = {}
        """When each worker whose time was up was told so."""
        self._over = threading.Event()

    def watch(self, worker: str) -> None:
        """Look at a worker from now on."""
        if not self._workers:
            threading.Thread(target=self._keep, daemon=True).start()
        with self._lock:
            self._workers.add(worker)

    def leave(self, worker: str) -> bool:
        """Look at a worker no more, before its process is waited for; return whether its time was up."""
        with self._lock:
            self._workers.discard(worker)
            return worker in self._alarmed

    def stop(self) -> None:
        """Look at no worker any more."""
        self._over.set()

    def _keep(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            with self._lock:
                for worker in self._workers:
                    self._look(worker, trace_in(self._traces / f"{worker}.json"))

    def _look(self, worker: str, trace: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if worker in self._alarmed:
            if now > self._alarmed[worker] + GRACE_SECONDS:
                _end(trace["pid"], signal.SIGKILL)
        elif trace.get("is_running") and now > trace["began"] + self._limit:
            self._alarmed[worker] = now
            _end(trace["pid"], ALARM)


def _end(pid: int, with_signal: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, with_signal)
