"""A look at the implementation, the cases and the machine before the run, in a process of its own.

Importing an implementation runs the user's code: it may crash, hang, or leave a GPU context behind. And the process
that only drives the workers needs no torch.
"""

import platform
from dataclasses import dataclass, field
from typing import Any

from tests.contract import Rule
from tests.examine.selection import Selection

_MAY_LACK_ROWS = {Rule.GEOMETRIES, Rule.STRIDES, Rule.DISAGREEMENT, Rule.BAD_ARGUMENTS, Rule.VARIANTS}
"""Rules on calls that may be refused, whose rows are open, or whose rows are not looked at."""


@dataclass(frozen=True)
class Answer:
    """What there is to examine, and on what."""

    device: str
    """`cuda` or `cpu`."""
    functions: list[str]
    """Those of the three that the implementation has."""
    cases: list[str]
    """Ids of the chosen cases."""
    left_out: dict[str, str]
    """Those of them that are not examined here, with the reason."""
    rows_due: list[str]
    """Those in which right rows are due: a refusal or an error is no right answer there."""
    machine: dict[str, Any] = field(default_factory=dict)
    """Versions and devices, for the report."""
    bears_on: dict[str, list[int]] = field(default_factory=dict)
    """The rules that each case bears on."""
    tokens: dict[str, int] = field(default_factory=dict)
    """How large each case is."""

    @property
    def runnable(self) -> int:
        """How many cases nothing speaks against."""
        return len(self.cases) - len(self.left_out)


def answer(selection: Selection) -> Answer:
    """Return what a selection comes to, by importing what is to be examined.

    Raises:
        Foreseen: the device, a case or the implementation is not to be had.
    """
    import torch  # first: it knows best which GPUs it can use; and Triton after the interpreter is chosen

    from tests.calls.implementations import load_implementation
    from tests.examine.choice import chosen_cases, reason_to_skip
    from tests.plugin.devices import choose_device, gpu_count
    from tests.plugin.memories import require

    device = choose_device(selection.device)
    require(selection.memory, device)
    cases = chosen_cases(selection)
    functions = list(load_implementation(selection.implementation).functions)
    import triton

    from kernels.peers.installed import version_of
    from kernels.peers.table import PEERS

    left_out = {
        case.id: reason
        for case in cases
        if (reason := reason_to_skip(case, device=device, contract=selection.contract, quick=selection.quick))
    }
    gpus = [torch.cuda.get_device_name(index) for index in range(gpu_count())] if device == "cuda" else []
    machine = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "triton": triton.__version__,
        "device": device,
        "gpus": gpus,
        "platform": platform.platform(),
    }
    rows_due = [case.id for case in cases if case.seq_len_sum > 0 and not _MAY_LACK_ROWS & set(case.rules)]
    if selection.implementation in PEERS:
        machine[selection.implementation] = version_of(PEERS[selection.implementation])
    bears_on = {case.id: [int(rule) for rule in case.rules] for case in cases}
    tokens = {case.id: case.seq_len_sum for case in cases}
    return Answer(device, functions, list(bears_on), left_out, rows_due, machine, bears_on, tokens)
