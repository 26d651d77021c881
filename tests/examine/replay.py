"""The one place that makes replay lines: pasted into a shell in the same folder, they show a finding again."""

import os
import shlex
import shutil
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from tests import ROOT
from tests.examine.finding import Finding
from tests.examine.selection import OPTIONS, Selection

GATE = ROOT / "ci" / "gate"
SANITIZER_FLAGS = ("--impl", "--contract", "--case", "--seeds-from", "--seeds")
"""The part of a selection that `gate sanitize` has: it is on a GPU, in memory of its own."""


def line(
    start: Sequence[str],
    selection: Selection,
    case: str,
    job: Sequence[str] = (),
    flags: Collection[str] = tuple(OPTIONS),
    after: Sequence[str] = (),
) -> str:
    """Return the command line that examines one case again, the same way.

    Args:
        start: the words that start the gate.
        selection: of the run; its device is the one that the run was on.
        case: the case's id.
        job: words of the gate's job, and options that only this job has; none for the examination.
        flags: of a selection that the job has.
        after: ids of cases that have to be examined before it, in the same process.
    """
    chosen = selection.of_cases(*after, case)
    if after:
        chosen, job = replace(chosen, in_order=True), (*job, "-n", "1")
    return shlex.join([*start, *job, *chosen.arguments(flags)])


def of_finding(start: Sequence[str], selection: Selection, finding: Finding) -> str:
    """Return the command line that shows a finding of an examination again; see `line`."""
    return line(start, selection, finding.case, after=finding.details.get("after", ()))


def start_as_typed(argv: Sequence[str], original: Sequence[str]) -> tuple[str, ...]:
    """Return the words that started the running gate.

    Args:
        argv: `sys.argv`.
        original: `sys.orig_argv`, in which Python and its options stand before the rest.
    """
    python = tuple(original[: len(original) - len(argv)])
    # The gate's first line finds `python3` as the shell would.
    is_found = python == ("python3",) and "/" in argv[0] and os.access(argv[0], os.X_OK)
    return (argv[0],) if is_found else (*python, argv[0])


def start_from(folder: Path) -> tuple[str, ...]:
    """Return the words that start the gate from a folder with the Python that runs now."""
    path = os.path.relpath(GATE, folder)
    path = path if path.startswith(("./", "../")) else f"./{path}"
    if path.startswith("../../.."):  # the whole path is easier to read
        path = str(GATE)
    found = shutil.which("python3")
    is_same = found is not None and os.path.abspath(found) == os.path.abspath(sys.executable)
    return (path,) if is_same else (sys.executable, path)
