"""A look at the implementation, the cases and the machine before the run, in a process of its own.

Importing an implementation runs the user's code: it may crash, hang, or leave a GPU context behind. And the
process that only drives the workers needs no torch. `python -m ci.examination.probe` is asked
a `Question` and prints an `Answer`, both JSON.
"""

import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Self

from tests import ROOT

PATIENCE_SECONDS = 300.0
"""How long the import of an implementation may take; some compile extensions at that time."""
_MARK = "probe: "


class CannotExamine(Exception):
    """The implementation, a case or the device is not to be had; the text is a sentence for the user."""


@dataclass(frozen=True)
class Question:
    """What a run is about, as on the command line."""

    implementation: str
    contract: str
    device: str
    patterns: tuple[str, ...]
    quick: bool
    seeds: int | None
    seeds_from: int


@dataclass(frozen=True)
class Answer:
    """What there is to examine, and on what."""

    device: str
    """`cuda` or `cpu`."""
    functions: list[str]
    """Those of the three that the implementation has."""
    cases: list[str]
    """Ids of the chosen cases."""
    runnable: int
    """How many of them nothing speaks against."""
    machine: dict[str, Any] = field(default_factory=dict)
    """Versions and devices, for the report."""


class Probe:
    """A probe under way. Use it as a context, so that none outlives its run."""

    def __init__(self, question: Question) -> None:
        self._question = question
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            # -P: a folder `tests` or `ci` where the user stands must not be taken for the project's.
            [sys.executable, "-P", "-m", "ci.examination.probe", json.dumps(asdict(question))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONPATH": path},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.communicate()

    def answer(self, timeout: float = PATIENCE_SECONDS) -> Answer:
        """Wait for the probe, and return what it found.

        Raises:
            CannotExamine: there is nothing to examine, or nothing to examine it on.
        """
        name = self._question.implementation
        try:
            output, errors = self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise CannotExamine(f"--impl {name}: its import took over {timeout:g} s") from error
        return read(name, output, errors, self._process.returncode)


def read(implementation: str, output: str, errors: str, status: int) -> Answer:
    """Return what a finished probe found.

    Args:
        implementation: as it was named on the command line.
        output: the probe's standard output.
        errors: its standard error.
        status: its exit status, as `subprocess` tells it.

    Raises:
        CannotExamine: there is nothing to examine, or nothing to examine it on.
    """
    lines = [line for line in output.splitlines() if line.startswith(_MARK)]
    if lines and status == 0:
        told = json.loads(lines[-1].removeprefix(_MARK))
        if "error" in told:
            raise CannotExamine(told["error"])
        return Answer(**told)
    last = errors.strip().splitlines()[-1:] or ["nothing on stderr"]
    known = {member.value: member.name for member in signal.Signals}
    ending = f"was ended by {known.get(-status, -status)}" if status < 0 else f"exited with status {status}"
    raise CannotExamine(f"--impl {implementation}: the process that imported it {ending}: {last[0]}")


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return an `Answer` to a `Question`, or `{"error": sentence}`, all as JSON objects."""
    from ci.examination.choice import NoSuchCase, chosen_cases
    from tests.calls.implementations import NoImplementation, load_implementation
    from tests.contract import Contract
    from tests.examine.selection import reason_to_skip
    from tests.plugin.devices import DeviceUnavailable, choose_device, gpu_count

    try:
        device = choose_device(question["device"])
        cases = chosen_cases(question["patterns"], question["seeds_from"], question["seeds"])
        functions = list(load_implementation(question["implementation"]).functions)
    except (DeviceUnavailable, NoSuchCase, NoImplementation) as error:
        return {"error": str(error)}
    import torch
    import triton

    contract = Contract[question["contract"].upper()]
    kept = [c for c in cases if not reason_to_skip(c, device=device, contract=contract, quick=question["quick"])]
    gpus = [torch.cuda.get_device_name(index) for index in range(gpu_count())] if device == "cuda" else []
    machine = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "triton": triton.__version__,
        "device": device,
        "gpus": gpus,
        "platform": platform.platform(),
    }
    found = Answer(device, functions, [case.id for case in cases], len(kept), machine)
    return asdict(found)


if __name__ == "__main__":
    sys.path.append(os.getcwd())
    print(_MARK + json.dumps(answer(json.loads(sys.argv[1]))), flush=True)
    # Whatever the implementation does at exit is not the question.
    os._exit(0)
