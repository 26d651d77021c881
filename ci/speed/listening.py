"""The measuring process as its parent sees it: started, listened to, and what it told."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ci.speed.figures import Workload
from ci.speed.measure import MARK, Order, order_text

ROOT = Path(__file__).resolve().parents[2]
FORESEEN = ("GpuAbsent", "GpuBusy", "NoImplementation", "WrongRows", "NotTimed", "NotCapturable")
"""Errors whose text is a sentence for the user."""


class CannotMeasure(Exception):
    """The process could not measure; the text is a sentence for the user."""


@dataclass
class Told:
    """What the process told."""

    machine: dict[str, str] = field(default_factory=dict)
    unchecked: list[str] = field(default_factory=list)
    """What could not be checked of the machine, in words."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Implementations that could not be loaded, and why."""
    workloads: list[Workload] = field(default_factory=list)
    has_ended: bool = False


def run(order: Order, on_step: Callable[[dict[str, Any]], None]) -> Told:
    """Measure in a process of its own, and return what it told.

    Args:
        order: what is to be measured.
        on_step: gets a message with `step`, `done` and `of` each time something new is begun.

    Raises:
        CannotMeasure: with why.
    """
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    # Into a file: a pipe that nobody empties would stop a process that has much to say there.
    with (ROOT / ".gate" / "speed.log").open("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ci.speed.measure", order_text(order)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONPATH": path},
        )
        assert process.stdout is not None
        try:
            told = listen(process.stdout, on_step)
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
        if not told.has_ended:
            errors.seek(0)
            last = errors.read().strip().splitlines()[-1:] or ["nothing on stderr"]
            raise CannotMeasure(f"the measuring process ended with status {process.returncode}: {last[0]}")
    return told


def listen(lines: Iterable[str], on_step: Callable[[dict[str, Any]], None]) -> Told:
    """Return what a process tells, line by line.

    Raises:
        CannotMeasure: the process says that it cannot.
    """
    told = Told()
    for line in lines:
        if not line.startswith(MARK):
            continue
        message = json.loads(line.removeprefix(MARK))
        if "error" in message:
            is_plain = message["kind"] in FORESEEN
            raise CannotMeasure(message["error"] if is_plain else f"{message['kind']}: {message['error']}")
        if "step" in message:
            on_step(message)
        elif "machine" in message:
            told.machine, told.unchecked = message["machine"], message["unchecked"]
            told.left_out = message["left_out"]
        elif "workload" in message:
            told.workloads.append(Workload.from_json(message["workload"]))
        elif "end" in message:
            told.has_ended = True
    return told
