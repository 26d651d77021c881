"""What both commands do before the first third-party import: usage, set-up, the right Python."""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ci import options
from ci.reports.decision import Decision
from ci.reports.stopping import OutputLost, stop_on_signals, why
from ci.setup import bootstrap, extras
from tests import ROOT
from tests.calls.errors import Foreseen, short
from tests.examine.replay import start_as_typed

_START = "GATE_START"
"""Environment variable that tells the gate, continued under another Python, how it was started."""


def start_gate(argv: Sequence[str]) -> int:
    """Run the gate under a Python that has what it needs, and return its exit code.

    Args:
        argv: the command as it was typed, its own name first.
    """
    if sys.stdout is None:  # it was closed before the start
        print("gate: there is no standard output to write to", file=sys.stderr)
        return Decision.UNDECIDED
    start = json.loads(os.environ.pop(_START, "null")) or start_as_typed(argv, sys.orig_argv)
    job, chosen = options.parse(argv[1:])
    stop_on_signals()
    try:
        python = bootstrap.prepare(bootstrap.Project.read(ROOT), job.extras(chosen))
        _continue_under(python, argv, start)
        # What stands where the user stands can be named with --impl; the project's own packages go first.
        sys.path.append(os.getcwd())
        return job.run(chosen, start)
    except Foreseen as error:
        print(f"gate: {error}", file=sys.stderr)
    except OutputLost:
        pass
    except KeyboardInterrupt as error:
        print(f"gate: {why(error)}, nothing is decided", file=sys.stderr)
    except Exception as error:  # Python's own exit code for these means findings
        traceback.print_exc()
        print(f"gate: the harness failed: {short(error)}", file=sys.stderr)
    return Decision.UNDECIDED


def start_tests(argv: Sequence[str]) -> int:
    """Run pytest under a Python that has what it needs; returns only where that cannot be done."""
    try:
        optional = (replace(extra, is_required=False) for extra in (extras.Z3, extras.RUPTURES, extras.MATPLOTLIB))
        wanted = [extras.DEVELOPMENT, *optional]
        _continue_under(bootstrap.prepare(bootstrap.Project.read(ROOT), wanted), argv, ())
    except Foreseen as error:
        print(f"test: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("test: interrupted during the set-up", file=sys.stderr)
    else:
        os.chdir(ROOT)
        # Without a path among the arguments, suite and self-tests run, and not the suite alone. Heavy cases of the
        # catalogue are the gate's: what takes minutes is left out, and counted as left out, without --long.
        quick = [] if "--long" in argv else ["--quick"]
        os.execv(sys.executable, [sys.executable, "-m", "pytest", "-o", "testpaths=tests", *quick, *argv[1:]])
    return Decision.UNDECIDED


def _continue_under(python: Path, argv: Sequence[str], start: Sequence[str]) -> None:
    """Become the same command under another Python, unless this is the one."""
    if python != Path(sys.executable):
        sys.stderr.flush()
        if start:
            os.environ[_START] = json.dumps(start)
        os.execv(python, [str(python), *argv])
