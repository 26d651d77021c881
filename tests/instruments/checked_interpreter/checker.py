"""The checked interpreter's interface."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
import triton

from tests.instruments.triton_seams import InterpretedLaunch, interpreted_launches

from .launch import Grid, Launch
from .regions import RegionTable
from .state import Garbage, LaunchState
from .taint import TaintTable
from .violations import Findings, Traffic, Violation


class Watch:
    """What one `CheckedInterpreter.watch` saw.

    `launches`: (kernel name, grid) of each launch in order. `programs`: how many programs ran, of which
    `idle_programs` wrote nothing.
    `traffic`: bytes read and written by tensor name, over all launches.
    """

    def __init__(self, read_only: Mapping[str, torch.Tensor], garbage: Garbage, only: Grid | None = None) -> None:
        self.launches: list[tuple[str, tuple[int, ...]]] = []
        self.programs = 0
        self.idle_programs = 0
        self.traffic: dict[str, Traffic] = {}
        self._read_only = dict(read_only)
        self._findings = Findings()
        self._taints = TaintTable()
        self._garbage = garbage
        self._only = only

    @property
    def violations(self) -> list[Violation]:
        """What was found so far; repeats of one kind, tensor and line are merged."""
        return self._findings.all()

    def run(self, asked: InterpretedLaunch, unchecked: Callable[[], None]) -> None:
        """Run a launch checked, instead of `unchecked`."""
        launch = Launch(asked)
        self.launches.append((launch.name, launch.grid))
        regions = RegionTable(self._read_only)
        state = LaunchState(regions, self._findings, self._taints, self._garbage)
        try:
            ran, idle = launch.run(state, self._only)
            self.programs += ran
            self.idle_programs += idle
        finally:
            for region in regions.regions:
                if region.bytes_read or region.bytes_written:
                    known = self.traffic.get(region.name, Traffic())
                    read, written = known.bytes_read + region.bytes_read, known.bytes_written + region.bytes_written
                    self.traffic[region.name] = Traffic(read, written)


class CheckedInterpreter:
    """Checks the Triton kernels that run inside `watch`, on the interpreter and CPU tensors.

    Every load, store and atomic operation is checked before it happens: it must lie in the tensor argument
    that its address came from, between that tensor's first and last element (a gap between rows may be read,
    not written), and be aligned. What may not happen does not: a load gives a poison value, a store is
    dropped, and the kernel goes on. Lanes that Triton leaves undefined get pseudo-random values and are
    followed; so are integers that wrapped, and hints that are false. Programs that touch the same byte are
    races whatever order they run in. See `kinds` for the list.

    `seed` draws the undefined values. With `undefined_as_zero` they are 0, as NVIDIA's code happens to make
    them; their use is a finding all the same. `only` is the one program of each launch that runs, where it is given.

    Not seen: marks do not pass through memory, `tl.dot`, `tl.histogram` or a reduction by a combine function
    of the kernel's own; memory that nobody wrote counts as defined; lanes of one program that write the same
    byte are no race; a wrap that only reaches a mask or a stored value is not a finding.
    """

    def __init__(self, seed: int = 0, *, undefined_as_zero: bool = False, only: Grid | None = None) -> None:
        self._seed = seed
        self._only = only
        self._undefined_as_zero = undefined_as_zero

    @contextmanager
    def watch(self, read_only: Mapping[str, torch.Tensor] | None = None) -> Iterator[Watch]:
        """Check every launch in the body; `read_only` names the tensors that must not be written.

        The kernels must have been imported with TRITON_INTERPRET=1. Of nested watches the innermost sees a
        launch. Raises RuntimeError if Triton would compile, and TypeError or ValueError for a tensor that is
        not one on the CPU; a launch with a tensor elsewhere raises ValueError.
        """
        if not triton.knobs.runtime.interpret:
            raise RuntimeError("the checked interpreter needs TRITON_INTERPRET=1, set before the kernels are imported")
        for name, tensor in (read_only or {}).items():
            if not isinstance(tensor, torch.Tensor):
                raise TypeError(f"read_only[{name!r}]: expected a tensor, got {type(tensor).__name__}")
            if tensor.device.type != "cpu":
                raise ValueError(f"read_only[{name!r}]: expected a tensor on the CPU, got one on {tensor.device}")
        seen = Watch(read_only or {}, Garbage(self._seed, self._undefined_as_zero), self._only)
        with interpreted_launches(seen.run):
            yield seen
