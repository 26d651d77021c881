"""`python -m tests.self.peak_memory [PATTERN ...]`: the most memory a case has resident on the CPU, and its seconds.

Each case is examined in a process of its own, forked from one that has imported everything.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

GIB = 2**30


class Cost(NamedTuple):
    """What a process took."""

    peak_bytes: int
    """Resident at most, what it shares with its parent included."""
    cpu_seconds: float
    succeeded: bool


def cost_of(work: Callable[[], object]) -> Cost:
    """Return what it costs to do something in a forked process, which must have no other threads."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status, usage = os.wait4(child, 0)
    return Cost(usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime, status == 0)


def costs(patterns: Sequence[str], impl: str) -> Iterator[tuple[str, Cost]]:
    """Yield the id and the cost of each case that matches and that the CPU can do."""
    # Triton chooses the interpreter when it is imported.
    os.environ["TRITON_INTERPRET"] = "1"
    import torch

    from tests.calls.implementations import load_implementation
    from tests.cases.catalogue import catalogue
    from tests.examine.checking import Checked
    from tests.examine.choice import matching
    from tests.examine.examination import examine

    torch.set_num_threads(1)
    implementation, device = load_implementation(impl), torch.device("cpu")
    for case in matching(catalogue(), patterns):
        if not case.needs_gpu:
            work = partial(examine, implementation, case, device=device, instruments=[Checked()])
            yield case.id, cost_of(work)


def main(arguments: Sequence[str]) -> int:
    """Print a line a case; return 0 if each was examined to its end, else 2."""
    parser = argparse.ArgumentParser(prog="python -m tests.self.peak_memory", description=__doc__)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="default: every case")
    parser.add_argument("--impl", default="own", help="implementation, as ./ci/gate takes it")
    options = parser.parse_args(arguments)
    are_complete = True
    for name, cost in costs(options.patterns, options.impl):
        are_complete &= cost.succeeded
        note = "" if cost.succeeded else "  not examined to its end"
        print(f"{cost.peak_bytes / GIB:6.2f} GiB {cost.cpu_seconds:7.1f} s  {name}{note}", flush=True)
    return 0 if are_complete else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
