"""What both commands do before the first third-party import: usage, set-up, the right Python."""

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from ci import options
from ci.setup import bootstrap
from ci.stopping import OutputLost, stop_on_signals, why
from tests import ROOT
from tests.calls.errors import Foreseen, short

UNDECIDED = 2
"""Exit code of a command that could not do its job."""


def start_gate(argv: Sequence[str]) -> int:
    """Run the gate under a Python that has what it needs, and return its exit code.

    Args:
        argv: the command as it was typed, its own name first.
    """
    if sys.stdout is None:  # it was closed before the start
        print("gate: there is no standard output to write to", file=sys.stderr)
        return UNDECIDED
    chosen = options.parse(argv[1:])
    optional = ["sglang"] if chosen.implementation.partition(":")[0] == "sglang" else []
    stop_on_signals()
    try:
        _continue_under(bootstrap.prepare(bootstrap.Project.read(ROOT), optional), argv)
        from ci.examination import command as gate_command

        return gate_command.main(chosen, command=argv[0])
    except bootstrap.SetUpFailed as error:
        print(f"gate: {error}", file=sys.stderr)
    except OutputLost:
        pass
    except KeyboardInterrupt as error:
        print(f"gate: {why(error)}, nothing is decided", file=sys.stderr)
    except Foreseen as error:
        print(f"gate: {error}", file=sys.stderr)
    except Exception as error:  # Python's own exit code for these means findings
        traceback.print_exc()
        print(f"gate: the harness failed: {short(error)}", file=sys.stderr)
    return UNDECIDED


def start_tests(argv: Sequence[str]) -> int:
    """Run pytest under a Python that has what it needs; returns only where that cannot be done."""
    try:
        _continue_under(bootstrap.prepare(bootstrap.Project.read(ROOT)), argv)
    except bootstrap.SetUpFailed as error:
        print(f"test: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("test: interrupted during the set-up", file=sys.stderr)
    else:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *(argv[1:] or ["tests"])])
    return UNDECIDED


def _continue_under(python: Path, argv: Sequence[str]) -> None:
    """Become the same command under another Python, unless this is the one."""
    if python != Path(sys.executable):
        sys.stderr.flush()
        os.execv(python, [str(python), *argv])
