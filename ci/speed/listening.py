"""What the measuring process told."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from ci.processes import Message, OnStep, Process, without_steps
from ci.speed.child import Order
from ci.speed.figures import Workload


@dataclass
class Told:
    """What the process told."""

    machine: dict[str, str] = field(default_factory=dict)
    unchecked: list[str] = field(default_factory=list)
    """What could not be checked of the machine, in words."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Implementations that could not be loaded, and why."""
    workloads: list[Workload] = field(default_factory=list)


def run(order: Order, on_step: OnStep) -> Told:
    """Measure in a process of its own, and return what it told.

    Raises:
        CannotRun: with why.
    """
    with Process("ci.speed.child", "speed.log") as process:
        return listen(process.messages(asdict(order)), on_step)


def listen(messages: Iterable[Message], on_step: OnStep) -> Told:
    """Return what a process tells, message by message."""
    told = Told()
    for message in without_steps(messages, on_step):
        if "machine" in message:
            told.machine, told.unchecked = message["machine"], message["unchecked"]
            told.left_out = message["left_out"]
        elif "workload" in message:
            told.workloads.append(Workload.from_json(message["workload"]))
    return told
