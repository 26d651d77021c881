"""What the measuring process of `gate speed` told."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ci.measuring_process import FORESEEN, CannotMeasure, MeasuringProcess
from ci.speed.figures import Workload
from ci.speed.measure import MARK, Order, order_text


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
    process = MeasuringProcess("ci.speed.measure", "speed.log")
    return process.run(order_text(order), lambda lines: listen(lines, on_step))


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
